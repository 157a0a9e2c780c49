// Points drawn by WebGL: positions and colours lie in the card's memory, a frame is one call.

const VERTEX = `
attribute vec2 place; attribute vec4 colour; attribute float size;
uniform vec3 view; uniform vec2 aspect; uniform float scale;
varying vec4 shade; varying float edge;
void main() {
  gl_Position = vec4((place - view.xy) * view.z * aspect, 0.0, 1.0);
  gl_PointSize = size * scale; shade = colour; edge = 1.0 / gl_PointSize;
}`;
const FRAGMENT = `
precision mediump float; varying vec4 shade; varying float edge;
void main() {
  float away = length(gl_PointCoord - 0.5);
  if (away > 0.5) discard;
  gl_FragColor = vec4(shade.rgb, shade.a * smoothstep(0.5, 0.5 - edge, away));
}`;

export class Points {
  constructor(canvas) {
    this.gl = canvas.getContext("webgl", { antialias: false, alpha: true, premultipliedAlpha: false });
    this.canvas = canvas;
    this.count = 0;
    if (!this.gl) return;
    const gl = this.gl;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    this.program = program;
    this.buffers = { place: gl.createBuffer(), colour: gl.createBuffer(), size: gl.createBuffer() };
  }

  set(name, values, width) {
    const { gl, program } = this;
    if (!gl) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    const where = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(where);
    gl.vertexAttribPointer(where, width, gl.FLOAT, false, 0, 0);
    this.count = values.length / width;
  }

  draw({ x, y, zoom }) {
    const { gl, program, canvas } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    if (!gl) return;
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const small = Math.min(width, height);
    gl.uniform3f(gl.getUniformLocation(program, "view"), x, y, zoom * 0.92);
    gl.uniform2f(gl.getUniformLocation(program, "aspect"), small / width, small / height);
    gl.uniform1f(gl.getUniformLocation(program, "scale"), ratio * Math.min(3, Math.sqrt(zoom)));
    gl.drawArrays(gl.POINTS, 0, this.count);
  }
}
