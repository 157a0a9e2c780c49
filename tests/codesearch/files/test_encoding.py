"""Texts in the encodings of the world, short as a comment is: found, and right to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesearch.files.content.encoding import decode, is_wide

SAMPLES = [
    ("// 计算运费\nint shipping_fee(int kg) { return kg * 3; }\n", "gbk"),
    ("// 计算\nint a;\n/* 返回用户的名字 */", "gbk"),
    ("/* 初始化 */\n", "gbk"),
    ("// 获取用户信息，如果不存在则创建\n", "gb18030"),
    ("# 請求書を印刷する\ndef print_invoice(no):\n    return 1\n", "shift_jis"),
    ("// ファイルを読み込む\n", "cp932"),
    ("# ﾌｧｲﾙを読む\n", "cp932"),
    ("; ﾃﾞｰﾀﾍﾞｰｽ接続を閉じる\n", "shift_jis"),
    ("// 請求書を印刷する\n", "euc-jp"),
    ("# データベースに接続する\n", "euc-jp"),
    ("// 계산 함수입니다\nint f();\n", "euc-kr"),
    ("// 사용자 이름을 반환한다\nint f();\n", "euc-kr"),
    ("// 計算運費的函式\nint f();\n", "big5"),
    ("// 取得使用者名稱\n", "big5"),
    ("# Расчёт налога на прибыль\ndef tax(x):\n    return x\n", "cp1251"),
    ("# Расчёт налога на прибыль\n", "koi8-r"),
    ("# Проверка подписи и отправка письма\n", "koi8-r"),
    ("// Проверка подписи и отправка\n", "cp866"),
    ("# Größe des Fensters prüfen\ndef f(): pass\n", "latin-1"),
    ("/* café */ int f(void);\n", "cp1252"),
    ("// año señor niño – «tres»\n", "cp1252"),
    ("// Příliš žluťoučký kůň\n", "cp1250"),
    ("// Müşteri bilgisini getirir, yoksa oluşturur\n", "cp1254"),
    ("// Υπολογισμός φόρου εισοδήματος\n", "cp1253"),
    ("// 在庫の数を数える関数です\nint f();\n", "iso2022_jp"),
    ("// Zlicza stan magazynu, każdą wielkość oraz źródło błędów\n", "iso8859_2"),
    ("// Číslo příliš velké\n", "cp1250"),
    ("// Átlépte a megengedett méretű készletet, hűtő\n", "cp1250"),
    ("// Обчислює залишок на складі та ціну\n", "cp1251"),
    ("// Μετρά το απόθεμα στην αποθήκη\n", "iso8859_7"),
    ("// סופר את המלאי במחסן ומחזיר מספר\n", "cp1255"),
    ("// يحسب المخزون في المستودع ويعيد رقما\n", "cp1256"),
    ("// นับจำนวนสินค้าในคลังและคืนค่าลบ\n", "cp874"),
    ("// Tæller varer på lageret, også små\n", "cp1252"),
    ("function Get-Report {\r\n    1\r\n}\r\n", "utf-16-le"),
    ("function Get-Report {\r\n    1\r\n}\r\n", "utf-16-be"),
    ("function Größe {\r\n    1\r\n}\r\n", "utf-16"),
    ("plain\n", "utf-32"),
]


@pytest.mark.parametrize(("text", "encoding"), SAMPLES)
def test_undeclared_texts_are_recognised(text: str, encoding: str) -> None:
    found = decode(text.encode(encoding))
    assert found.data.decode("utf-8").lstrip("\ufeff") == text
    assert found.is_sure


@pytest.mark.parametrize(
    "text",
    [
        "# -*- coding: cp1255 -*-\n# חישוב מס הכנסה\n",
        "#!/usr/bin/env python\n# vim: set fileencoding=cp1255 :\n# חישוב\n",
        '<?xml version="1.0" encoding="cp1255"?>\n<a>חישוב</a>\n',
        '<html><head><meta charset="cp1255"></head>חישוב</html>\n',
    ],
)
def test_a_declaration_in_the_file_counts(text: str) -> None:
    assert decode(text.encode("cp1255")).data.decode() == text


def test_a_declaration_of_the_repository_counts_before_anything() -> None:
    text = "// Größe\n"
    assert decode(text.encode("cp437"), "cp437").data.decode() == text


def test_a_wrong_declaration_does_no_harm() -> None:
    text = "# -*- coding: no-such-thing -*-\n# 计算运费的函数\n"
    assert decode(text.encode("gbk"), "also-none").data.decode() == text


@given(st.text())
def test_utf8_stays_as_it_is(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    if not is_wide(data):
        assert decode(data).data == data


@given(st.binary(max_size=300))
def test_nothing_makes_it_fail(data: bytes) -> None:
    found = decode(data)
    assert found.data == data or found.data.decode("utf-8") is not None
