"""Data: verbs that documentation comments and function names begin with, and their English forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["VERBS", "Verb"]


@dataclass(frozen=True, slots=True)
class Verb:
    """parse, parses, parsed, parsing."""

    base: str
    third: str
    participle: str
    gerund: str


_REGULAR = """
    abort accept access accumulate acquire activate adapt add adjust advance aggregate align allocate
    allow alter analyze anchor animate annotate announce append apply approve archive assemble assert
    assign attach authenticate authorize await backup balance bisect blend block boot bootstrap bound
    broadcast buffer bump bundle cache calculate calibrate call cancel canonicalize capture cast
    centralize chain change charge check checkout chunk clamp classify clean cleanup clear click clone
    close cluster coerce collapse collate collect combine commit commute compact compare compile complete
    compose compress compute concatenate configure confirm connect construct consume contain contextualize
    continue control convert coordinate copy correct correlate count cover crawl create customize debounce
    decide declare decode decompress decorate decrease decrement decrypt deduplicate default defer define
    delay delegate delete deliver demultiplex denormalize deploy deprecate dequeue derive describe
    deserialize destroy detach detect determine diff disable discard disconnect discover discriminate
    dismiss dispatch display dispose divide download drain drop dump duplicate edit embed emit enable
    encapsulate encode encrypt enforce enqueue ensure enter enumerate escalate escape establish estimate
    evaluate evict examine exchange exclude execute exit expand expire explain export expose extend
    extract fail fetch fill filter finalize finish fire fix flatten flip flush focus fold follow force
    fork format forward free fuse gather generate grant group guard guess handle harvest hash highlight
    hoist hook hydrate identify ignore implement import include increase increment indent index infer
    inflate inherit init initialise initialize inject inline insert inspect install instantiate instrument
    intercept interleave interpolate interpret intersect introduce invalidate invert invoke isolate
    iterate join jump kill label launch limit link list listen load locate lock log look lookup lower
    manage mangle manipulate map mark marshal mask match measure memoize merge migrate minify mirror mock
    modify monitor mount move multiplex multiply mutate navigate negotiate nest normalise normalize notify
    obfuscate observe obtain offer omit open operate optimise optimize order output pack pad paginate
    paint parse partition paste patch pause peek perform permit permute persist pick pin ping pipe
    pipeline place plan poll pop populate post prefetch prefix preload prepare prepend preprocess present
    preserve press prevent print prioritize probe process produce profile project promote prompt propagate
    protect provide prune publish pull purge push quantize quarantine query queue quote raise randomize
    rank rearrange rebase receive reconcile reconnect record recover recurse redirect reduce refer refresh
    refund register rehash reject relate release reload remove rename render reopen reorder replace replay
    reply report represent request require reschedule reserve resize resolve respond restart restore
    restrict resume retain retire retrieve retry reuse reverse revert revoke roll rotate round route
    sample sanitize saturate save scale scan schedule score scrape scroll search seed select separate
    serialise serialize serve setup shard share shift show shuffle shutdown sign signal simplify simulate
    skip sleep slice snapshot sniff solve sort specify splice stage start stash stop store stream
    stringify strip stub style submit subscribe subtract suggest sum supply support suppress suspend
    switch sync synchronize tabulate tag taint tear template terminate test thread throttle toggle
    tokenise tokenize touch trace track transfer transform transition translate transmit traverse trigger
    trim truncate try tune turn unescape unify uninstall union unlock unmount unpack unregister
    unsubscribe unwrap update upgrade upload use validate verify visit wait walk warn watch weigh wrap
    yank yield zip
"""
_IRREGULAR = """
    begin begins begun beginning|bind binds bound binding|break breaks broken breaking
    bring brings brought bringing|build builds built building|catch catches caught catching
    choose chooses chosen choosing|cut cuts cut cutting|draw draws drawn drawing|find finds found finding
    get gets got getting|give gives given giving|hide hides hidden hiding|hold holds held holding
    keep keeps kept keeping|know knows known knowing|leave leaves left leaving|make makes made making
    override overrides overridden overriding|overwrite overwrites overwritten overwriting
    pay pays paid paying|put puts put putting|quit quits quit quitting|read reads read reading
    rebuild rebuilds rebuilt rebuilding|reset resets reset resetting|rethrow rethrows rethrown rethrowing
    return returns returned returning|rewrite rewrites rewritten rewriting|run runs run running
    say says said saying|see sees seen seeing|send sends sent sending|set sets set setting
    shut shuts shut shutting|spawn spawns spawned spawning|split splits split splitting
    stem stems stemmed stemming|swap swaps swapped swapping|take takes taken taking
    tell tells told telling|throw throws thrown throwing|undo undoes undone undoing
    unset unsets unset unsetting|unwind unwinds unwound unwinding|write writes written writing
"""
_DOUBLING = """
    clip commit defer drop emit flip grab infer log map omit pad permit pin plan plot pop prefer refer
    scan scrub ship skip slip snap snip spin stem step stop strip stub submit sum swap tag tap tip
    transfer transmit trap trim unpin unwrap wrap zip
"""
_DOUBLED = frozenset(_DOUBLING.split())


def _regular(base: str) -> Verb:
    consonant_y = base.endswith("y") and base[-2] not in "aeiou"
    if consonant_y:
        third, past = base[:-1] + "ies", base[:-1] + "ied"
    elif base.endswith(("s", "sh", "ch", "x", "z")):
        third, past = base + "es", base + "ed"
    else:
        third, past = base + "s", base + ("d" if base.endswith("e") else "ed")
    stem = base
    if base in _DOUBLED:
        stem = base + base[-1]
        past = stem + "ed"
    elif base.endswith("e") and not base.endswith("ee"):
        stem = base[:-1]
    return Verb(base, third, past, stem + "ing")


def _table() -> dict[str, Verb]:
    verbs = [_regular(base) for base in dict.fromkeys(_REGULAR.split())]
    verbs += [Verb(*forms.split()) for line in _IRREGULAR.strip().splitlines() for forms in line.split("|")]
    table = {verb.third: verb for verb in verbs}
    table.update({verb.base: verb for verb in verbs})
    return table


VERBS: Mapping[str, Verb] = MappingProxyType(_table())
"""By base form and by third person."""
