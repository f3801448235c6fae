"""Which encoding a text is in, and that a file reads alike in all of them, also after it was written again."""

from __future__ import annotations

import codecs
import gzip
from pathlib import Path

import pytest

from cx_metrics.errors import FileProblem, OptionProblem
from cx_metrics.reading import FileMapping, RawFile, open_raw, read_batches, rewrite
from cx_metrics.reading.encodings import CANDIDATES, ENCODINGS, find_encoding, known_encoding

from .conftest import Upload

WORDS = {
    "russian": "Имя;Комментарий\nАнна;Заказ привезли вовремя, спасибо курьеру\nПётр;Долго ждал ответа от поддержки\n",
    "ukrainian": "Ім'я;Коментар\nОлена;Дуже зручна доставка, дякую\nЮрій;Чекав на відповідь цілий тиждень\n",
    "arabic": "العميل;التعليق\nأحمد;الخدمة ممتازة والتوصيل سريع\nمنى;انتظرت طويلا ولم يرد أحد\n",
    "persian": "مشتري;نظر\nپريسا;غذا گرم بود و پيک زود رسيد\nژاله;چرا کسي جواب نميدهد\n",
    "german": "Kunde;Bewertung\nJürgen;Die Lieferung kam pünktlich, großes Lob\nKäthe;Schöne Tüte, aber zu spät\n",
    "french": "Prénom;Avis\nHélène;Livraison très rapide, l'équipe était à l'écoute\nAndré;Déçu, le reçu a été oublié\n",
    "spanish": "Señor;Opinión\nMaría;¿Por qué llegó dañado? Llamé después\nIñigo;El año pasado era más rápido, ¡qué pena!\n",
    "polish": "Klient;Opinia\nŁukasz;Przesyłka przyszła późno, ale obsługa świetna\nMałgorzata;Będę zamawiać częściej\n",
    "czech": "Zákazník;Názor\nJiří;Příliš dlouhé čekání, ale ochotný prodavač\nRůžena;Děkuji, všechno v pořádku\n",
    "turkish": "Müşteri;Görüş\nIşıl;Kargo hızlıydı, teşekkürler\nÇağrı;İade ücretini hâlâ alamadım, çok kötü\n",
    "greek": "Πελάτης;Σχόλιο\nΜαρία;Η παράδοση ήταν γρήγορη και ο υπάλληλος ευγενικός\n",
    "hebrew": "לקוח;הערה\nדוד;המשלוח הגיע בזמן והשירות היה מצוין\n",
    "money": "item;price\nshirt;12 €\nbag;7 €\n",
    "english": "id;comment\n1;I don’t know why it’s late – “soon” they say\n2;We’ve waited, we’re not happy…\n",
}
WRITTEN_IN = {
    "russian": ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic"),
    "ukrainian": ("cp1251", "iso8859-5"),
    "arabic": ("cp1256", "iso8859-6"),
    "persian": ("cp1256",),
    "german": ("cp1252", "iso8859-1", "iso8859-15", "mac-roman", "cp850", "cp437"),
    "french": ("cp1252", "iso8859-1", "iso8859-15", "mac-roman", "cp850", "cp437"),
    "spanish": ("cp1252", "iso8859-1", "iso8859-15", "mac-roman", "cp850"),
    "polish": ("cp1250", "iso8859-2"),
    "czech": ("cp1250", "iso8859-2"),
    "turkish": ("cp1254", "iso8859-9"),
    "greek": ("cp1253",),
    "hebrew": ("cp1255",),
    "money": ("cp1252", "iso8859-15"),
    "english": ("cp1252", "mac-roman"),
}
OLD = [(language, codec) for language, all_codecs in WRITTEN_IN.items() for codec in all_codecs]


def cells_of(raw: RawFile) -> tuple[list[tuple[str, ...]], list[int]]:
    """The rows that are read, and the numbers of those that are reported."""
    rows: list[tuple[str, ...]] = []
    reported: list[int] = []
    for batch, _numbers, problems in read_batches(raw):
        rows += zip(*(column.to_pylist() for column in batch.columns), strict=True)
        reported += [problem.row for problem in problems]
    return rows, reported


def written(text: str) -> list[tuple[str, ...]]:
    return [tuple(line.split(";")) for line in text.splitlines()]


@pytest.mark.parametrize(("language", "codec"), OLD)
def test_words_say_in_which_encoding_they_are(upload: Upload, language: str, codec: str) -> None:
    text = WORDS[language]
    for content in (text.encode(codec), gzip.compress(text.encode(codec))):
        raw = upload(content)
        assert [raw.header, *cells_of(raw)[0]] == written(text)
        assert raw.encoding_reason is not None
        assert ENCODINGS[raw.encoding] in str(raw.encoding_reason)
        assert RawFile.from_dict(raw.to_dict()) == raw


@pytest.mark.parametrize(
    ("language", "codec"), [(lang, codec) for lang, codec in OLD if lang not in ("money", "english")]
)
def test_a_header_is_enough(upload: Upload, language: str, codec: str) -> None:
    header = WORDS[language].splitlines()[0]
    raw = upload(header.encode(codec) + b"\n" + b"a;1\n" * 5000)  # rows of ASCII do not outvote it
    assert ";".join(raw.header) == header or codec in raw.other_encodings


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("language", WORDS)
def test_unicode_is_read_with_and_without_a_mark(upload: Upload, language: str, codec: str) -> None:
    raw = upload(WORDS[language].encode(codec))
    assert [raw.header, *cells_of(raw)[0]] == written(WORDS[language])
    assert raw.other_encodings == ()


EAST = {
    "japanese": (
        ("cp932", "shift_jis"),
        "コメント", "配送がとても早くて助かりました。",
        "商品が届くまでに時間がかかりすぎです。", "また買いたいと思います、ありがとう。",
        "サポートの対応が丁寧でした。", "サイズが合わなかった。",
    ),
    "chinese": (
        ("gb18030", "gbk", "gb2312"),
        "评论", "送货很快,服务也很好。", "产品不错,但是客服态度太差了。",
        "我等了一个星期还没有收到。", "下次还会来买的。", "质量和说明的不一样",
    ),
    "korean": (
        ("cp949", "euc-kr"),
        "의견", "배송이 정말 빨라서 좋았습니다.",
        "상담원이 친절하지 않았어요.", "다음에도 다시 구매할게요.", "너무 오래 기다렸습니다.",
    ),
    "traditional": (
        ("big5",),
        "評論", "送貨很快,服務也很好。", "產品不錯,但是客服態度太差了。",
        "我等了一個星期還沒有收到。", "下次還會來買的。", "品質和說明的不一樣",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "codec"), [(language, codec) for language, (codecs_of, *_) in EAST.items() for codec in codecs_of]
)
def test_words_of_two_bytes_a_letter(upload: Upload, language: str, codec: str) -> None:
    text = "".join(f"{number};{words}\n" for number, words in enumerate(EAST[language][1:]))
    raw = upload(text.encode(codec))
    assert raw.encoding == known_encoding(codec)
    assert cells_of(raw) == (written(text)[1:], [])
    assert "Chinese, Japanese or Korean words" in str(raw.encoding_reason)


@pytest.mark.parametrize(("mark", "codec"), [(codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")])
@pytest.mark.parametrize("language", ["russian", "arabic", "german"])
def test_utf32_with_its_mark(upload: Upload, tmp_path: Path, mark: bytes, codec: str, language: str) -> None:
    text = WORDS[language]
    raw = upload(mark + text.encode(codec))
    assert (raw.encoding, cells_of(raw)) == ("utf-32", (written(text)[1:], []))
    name = raw.header[0]
    rewrite(
        raw,
        FileMapping("customers", {"customer_id": name}),
        tmp_path / "out",
        lambda i: None if i == written(text)[1][0] else i,
    )
    assert cells_of(open_raw(tmp_path / "out", "x.csv")) == (written(text)[2:], [])
    broken = upload(mark + text.encode(codec) + b"\xff\xff\xff\xff" + ("a;b\n" * 300).encode(codec))
    assert len(cells_of(broken)[0]) >= 300 and cells_of(broken)[1] == [4]


def test_the_reason_names_words_and_the_doubt_is_said(upload: Upload) -> None:
    raw = upload("Имя;Город\nАнна;Москва\n".encode("cp1251"))
    assert "Windows-1251" in str(raw.encoding_reason) and "Москва" in str(raw.encoding_reason)
    found = find_encoding("naïve\n".encode("mac-roman"))
    assert found is not None and found.codec == "mac-roman" and found.confidence < 0.5
    assert "cp850" in found.others  # where it is naòve


@pytest.mark.parametrize(
    "content",
    [
        "ชื่อ;สมชาย\n".encode("cp874"),
        "日本語;顧客,評価\n".encode("shift_jis"),
        "客户,评价,时间\n".encode("gb18030"),
        bytes(range(128, 256)),
        b"vis\xffit\n",
        b"\x01\x02\xe4\xf6\n",
    ],
)
def test_what_makes_no_words_is_in_none_of_the_encodings(content: bytes) -> None:
    assert find_encoding(content) is None


def test_all_that_is_found_can_be_chosen_by_its_name() -> None:
    assert set(CANDIDATES) <= set(ENCODINGS)
    assert {codec: known_encoding(name) for codec, name in ENCODINGS.items()} == {codec: codec for codec in ENCODINGS}
    names = {
        "latin1": "iso8859-1",
        "UTF8": "utf-8",
        "utf-8-sig": "utf-8",
        "windows-1256": "cp1256",
        "macintosh": "mac-roman",
    }
    assert {name: known_encoding(name) for name in names} == names
    assert [known_encoding(name) for name in ("rot13", "", "base64", "no such")] == [None] * 4


def test_encoding_and_delimiter_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes("naam;stad,land\nZo\xeb;Den Haag,NL\n".encode("latin-1"))
    raw = open_raw(path, "f.csv", encoding="Windows-1251", delimiter=",")
    assert (raw.encoding, raw.delimiter, raw.header) == ("cp1251", ",", ("naam;stad", "land"))
    assert cells_of(raw)[0] == [("Zoл;Den Haag", "NL")]
    assert str(raw.encoding_reason) == "Windows-1251 was chosen."
    with pytest.raises(OptionProblem, match="Windows-1251"):
        open_raw(path, "f.csv", encoding="rot13")
    for delimiter in ("", "ab", "x", '"', "\n"):
        with pytest.raises(OptionProblem, match="part columns"):
            open_raw(path, "f.csv", delimiter=delimiter)


def test_a_byte_order_mark_wins_over_what_was_said(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for codec in ("utf-8-sig", "utf-16"):
        path.write_bytes("имя,n\nАнна,1\n".encode(codec))
        raw = open_raw(path, "f.csv", encoding="cp1251")
        assert (raw.header, cells_of(raw)[0]) == (("имя", "n"), [("Анна", "1")])


def test_a_few_lines_of_other_bytes_among_utf8_are_reported(upload: Upload) -> None:
    good = ["Zoë,Köln"] * 400
    content = "\n".join(["name,city", *good, ""]).encode() + "Anaïs,Nîmes\nRené,Sète\n".encode("cp1252")
    raw = upload(content)
    assert (raw.encoding, raw.damaged_lines) == ("utf-8", 2)
    assert cells_of(raw) == ([("Zoë", "Köln")] * 400, [402, 403])
    with pytest.raises(FileProblem, match="not UTF-8"):  # one file, two encodings
        upload(content + "Zoé,Orléans\n".encode("cp1252") * 20)


def test_some_lines_that_are_words_in_one_encoding_are_read_in_it(upload: Upload) -> None:
    lines = ["a,b"] * 1000 + ["Jürgen,Köln", "Hélène,Orléans", "Käthe,München", "Íñigo,Málaga"]
    raw = upload("\n".join(["name,city", *lines, ""]).encode("cp1252"))
    assert (raw.encoding, cells_of(raw)[1]) == ("cp1252", [])
    assert cells_of(raw)[0][-1] == ("Íñigo", "Málaga")


def test_bytes_that_an_encoding_does_not_know_are_rows_set_aside(upload: Upload) -> None:
    good = "Жалоба на доставку,1\n".encode("cp1251") * 300
    raw = upload("тема,n\n".encode("cp1251") + good + b"\x98,1\n" + good)
    assert (raw.encoding, raw.damaged_lines) == ("cp1251", 1)
    rows, reported = cells_of(raw)
    assert (len(rows), reported) == (600, [302])


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_what_is_no_character_of_utf16_is_a_row_set_aside(upload: Upload, codec: str) -> None:
    mark = codecs.BOM_UTF16_LE if codec == "utf-16-le" else codecs.BOM_UTF16_BE
    text = "id,n\na,1\n\ud83d,2\nb,3\n\0,4\nc,\U0001f600\n"
    raw = upload(mark + text.encode(codec, "surrogatepass") + b"x")
    assert cells_of(raw) == ([("a", "1"), ("b", "3"), ("c", "\U0001f600")], [3, 5, 7])  # the last: half a character


def test_a_name_that_is_damaged_is_shown_as_such(upload: Upload) -> None:
    raw = upload(b"\xef\xbb\xbfid,Stra\xdfe\na,1\nb,2\n")
    assert raw.header == ("id", "Stra\ufffde")
    assert RawFile.from_dict(raw.to_dict()) == raw


def test_line_ends_of_all_kinds_end_rows(upload: Upload) -> None:
    raw = upload(b"id,n\ra,1\r\nb,2\nc,3\r\r\nd,4")
    assert cells_of(raw)[0] == [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]


AGAIN = [
    *[(language, codec) for language, codec in OLD if language in ("russian", "arabic", "french", "polish", "turkish")],
    *[("russian", codec) for codec in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")],
]


@pytest.mark.parametrize(("language", "codec"), AGAIN)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_without_a_customer_reads_as_it_did(tmp_path: Path, language: str, codec: str, packed: bool) -> None:
    header, *lines = WORDS[language].splitlines()
    text = "\n".join([f"n;{header}", *(f"{n};{line}" for n, line in enumerate(lines)), "x;u1;y", "z;u2;v", ""])
    content = text.encode(codec)
    (tmp_path / "file").write_bytes(gzip.compress(content) if packed else content)
    raw = open_raw(tmp_path / "file", "f.csv")
    mapping = FileMapping("touchpoints", {"customer_id": raw.header[1], "touchpoint": raw.header[2]})
    rows = cells_of(raw)[0]
    for number, gone in enumerate(rows[:-1]):  # one after another, until no word of the language is left but the header
        out = tmp_path / f"without_{number}"
        assert rewrite(raw, mapping, out, lambda _id: None, [gone[1]]).left_out == 1
        raw = open_raw(out, "f.csv")
        assert (raw.header, cells_of(raw)) == (("n", *header.split(";")), (rows[number + 1 :], []))


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "utf-16-le", "utf-8"])
def test_damaged_rows_are_the_same_ones_after_writing_again(tmp_path: Path, codec: str) -> None:
    bad = (
        "\ud83d".encode(codec, "surrogatepass") if codec == "utf-16-le" else b"\xff\xfe" if codec == "utf-8" else b"\0"
    )
    lines = [f"{n};{'Анна' if n > 297 else 'Пётр'};визит".encode(codec) for n in range(300)]
    content = ["n;id;шаг".encode(codec), *lines, bad + ";u2;a".encode(codec), b""]
    (tmp_path / "file").write_bytes("\n".encode(codec).join(content))
    raw = open_raw(tmp_path / "file", "f.csv")
    rows, reported = cells_of(raw)
    assert (len(rows), reported) == (300, [302])
    mapping = FileMapping("touchpoints", {"customer_id": "id", "touchpoint": "шаг"})
    rewrite(raw, mapping, tmp_path / "out", lambda _id: None, ["Пётр"])
    again = open_raw(tmp_path / "out", "f.csv")  # every fourth line is damaged now
    assert (again.header, cells_of(again)) == (raw.header, (rows[-2:], [4]))


# real files, against what their README says


REAL = {
    "arabic_windows1256_semicolon_decimal_comma.csv": ("cp1256", ";", 400),
    "russian_windows1251_semicolon_decimal_comma.csv": ("cp1251", ";", 250),
    "russian_koi8r_tab.tsv": ("koi8-r", "\t", 250),
    "persian_utf16le_excel_tab.txt": ("utf-16", "\t", 400),
    "persian_digits_jalali_dates_utf8bom.csv": ("utf-8", ",", 2000),
    "arabic_indic_digits_am_pm_arabic.csv": ("utf-8", ",", 2000),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_in_the_encoding_that_they_were_made_in(test_data: object, name: str) -> None:
    raw = open_raw(test_data(f"encodings/{name}"), name)  # type: ignore[operator]
    rows, reported = cells_of(raw)
    assert (raw.encoding, raw.delimiter, len(rows), reported) == (*REAL[name], [])


def test_one_text_in_two_encodings_is_one_text(test_data: object) -> None:
    names = ("russian_windows1251_semicolon_decimal_comma.csv", "russian_koi8r_tab.tsv")
    first, second = (open_raw(test_data(f"encodings/{name}"), name) for name in names)  # type: ignore[operator]
    assert (first.header, cells_of(first)) == (second.header, cells_of(second))
