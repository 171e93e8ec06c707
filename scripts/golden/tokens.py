"""Token ids as Hugging Face's `tokenizers` gives them.

    python scripts/golden/tokens.py              # writes packages/preprocess/test/golden/tokens.json
    python scripts/golden/tokens.py --train      # trains vocab.txt and bpe.json beside it anew, too (training is not repeatable)
    python scripts/golden/tokens.py --characters # prints the lists of packages/preprocess/src/tokenizer/bert-characters.ts

Requirements: tokenizers==0.23.3 (node scripts/python-env.mjs golden-tokens tokenizers==0.23.3).
The vocabulary is trained on Python's own manual pages (`pydoc_data.topics`) and on the strings below.
"""

import hashlib
import json
import platform
import random
import sys
import unicodedata
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = Path(__file__).resolve().parents[2] / "packages/preprocess/test/golden"
MAX_TOKENS = 128
EMPTY_TEXT = "[EMPTY]"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

# --- Strings ---------------------------------------------------------------------------------------------------------

BY_HAND = [
    "", " ", "   \t\n\r ", "\u00a0\u2003\u3000", "\x85", "\x0b\x0c", "\u200b", "\u200b\u200d\ufeff", "\x00", "\x00\x00 \x00", "\x1c\x1d", "\ufffd",
    "Hello, world!", "HELLO WORLD", "hello    world", " leading and trailing ", "a", "A", "!", "...", "?!?!", "e-mail", "don't", "U.S.A.", "$5.00", "100%", "#hashtag", "@user", "C++", "a_b_c",
    "fake news", "BREAKING: Flood hits city; 3 dead, 12 missing", "\"quoted\" 'single' “curly” ‘curly’ «guillemets» „low“", "en – em — dash ― bar", "ellipsis… and more…",
    "naïve café résumé", "NAÏVE CAFÉ RÉSUMÉ", "nai\u0308ve cafe\u0301", "Ångström Å A\u030a", "ǅungla Ǆ ǆ", "ﬁnance ﬂow ﬀ ﬃ", "ſtraße STRASSE ẞ ß", "İstanbul ısı I İ i ı", "ΣΊΣΥΦΟΣ σίσυφος ΟΔΟΣ", "ΑΣ ΑΣ. ΑΣΑ Σ", "Ω Ω K K Å", "Ǻ Ḝ ṩ ẛ̣ ḍ̇", "Việt Nam Tiếng Việt", "Łódź żółć Đặng Ørsted æther œuvre þorn ðe", "Zürich Übergröße Öl", "ﷺ ﷽",
    "中文新闻", "中文 and English混排text", "日本語のニュース", "ひらがなカタカナ漢字", "ｆｕｌｌｗｉｄｔｈ　ＴＥＸＴ！", "ﾊﾝｶｸ", "が か\u3099 ガ カ\u3099", "한국어 뉴스", "\u1112\u1161\u11ab\u1100\u1173\u11af", "각 \u1100\u1161\u11a8", "𠀀𠀁 𪜀 𫝀 𫠠 𬺰 𰀀 𱍐", "丽 豈 㐀 䶿 龻 鿿", "〇々〆〤", "北京2024年", "，。！？；：「」『』【】《》〜・", "⺀⺁ ⼀⼁",
    "😀", "😀😁😂", "I ❤️ NY", "❤ ❤︎ ❤️", "👍🏽 👍🏿", "👨‍👩‍👧‍👦", "👩🏽‍🚀 👩‍❤️‍💋‍👩", "🏳️‍🌈 🏴‍☠️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇺🇸🇫🇷 🇺", "#️⃣ 1️⃣ *️⃣", "text😀text", "😀.😀,😀", "🫠🫡🫥🪿🫨🫩", "☺☻♥♦ ♪♫ ✓✗ ★☆", "©®™ ° ± × ÷ ¿¡ § ¶ † ‡ • ‰ ′ ″ ‹› ⁄ № ℃",
    "مرحبا بالعالم", "مَرْحَبًا بِكَ", "السَّلَامُ عَلَيْكُمْ", "שָׁלוֹם עוֹלָם", "שלום world שלום", "\u202eevil\u202c text", "\u200fRTL\u200e LTR", "۱۲۳٤٥٦", "كتاب؟ نعم، لا؛", "ـــ kashida", "ܫܠܡܐ", "ދިވެހި",
    "नमस्ते दुनिया", "क्षत्रिय ज्ञान", "தமிழ் செய்திகள்", "తెలుగు వార్తలు", "ಕನ್ನಡ", "മലയാളം", "বাংলা খবর ।", "ਪੰਜਾਬੀ", "ગુજરાતી", "සිංහල", "ไทย ภาษาไทย ข่าว", "ລາວ", "བོད་ཡིག", "မြန်မာ", "ខ្មែរ", "ქართული ᲥᲐᲠᲗᲣᲚᲘ Ⴀ ⴀ", "Հայերեն", "አማርኛ ዜና።", "ᏣᎳᎩ ꭰ Ꭰ", "ᠮᠣᠩᠭᠣᠯ", "Привет мир НОВОСТИ ёлка Ёлка й и\u0306", "Їжак ґанок", "ꙀꙁҞ", "𐐀𐐨 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝐁𝐨𝐥𝐝 𝟙𝟚 ⅷ Ⅷ ⓐ Ⓐ ㎏ ½ ²",
    "tab\tseparated\tvalues", "line\nbreak\r\nwindows\rmac", "para\u2029graph\u2028line", "nb\u00a0sp\u202fnarrow\u2007fig", "zero\u200bwidth", "soft\u00adhyphen", "word\u2060joiner", "bom\ufeffinside", "\ufeffbom first", "nul\x00inside", "bell\x07esc\x1b[31mred\x1b[0m", "del\x7f c1\x80\x9f", "\u180emvs", "pua \ue000\uf8ff \U000f0000", "non\ufffecharacter\uffff \U0001ffff", "tags\U000e0041\U000e0042", "vs\ufe0f\U000e0100", "combining\u0300\u0301\u0302\u0303\u0304", "\u0301starts with mark", " \u0301space mark", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞", "a\u20ddb\u20e3", "\u0488\u0489", "x\u0338= ≠ =\u0338", "\u1ac0\u0316a\u1ac0\u1ac1\u1dfa", "\U0001d165\U0001d16d\U0001d158\U0001d165", "\U00011938 \U00011935\U00011930 \U000105c9 \U00016d68 \U00011383", "ab\u0345\u03b1\u0345 ᾳ ᾼ", "\u0340\u0341\u0343\u0344 \u0958 \ufb1d \ufb2a",
    "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "text [SEP] more", "a[SEP]b[CLS]c", "[sep] [mask]", "[ SEP ]", "[[SEP]]", "[MASK][MASK] [MASK] x", "[EMPTY]", "[MASK", "CLS]", "##ing", "word##piece", "## # ###", "<s></s><unk>", "{\"a\": [1, 2]}", "a\\nb \\u0041", "%s %d {}", "__proto__ constructor toString hasOwnProperty", "undefined null NaN true", "\u0130[SEP]\u0130",
    "https://www.example.com/path?query=1&b=2#frag", "john.doe+tag@example.co.uk", "192.168.0.1:8080", "C:\\Windows\\System32", "2024-11-21T07:25:09Z", "1,234,567.89", "1e-10 0x1F 3.14159", "+1 (555) 010-9999", "A/B&C|D^E~F`G", "^_^ :-) ;-P <3 ¯\\_(ツ)_/¯", "(╯°□°)╯︵ ┻━┻", "ALLCAPSWORDWITHOUTSPACES", "CamelCaseWords", "snake_case_words", "kebab-case-words", "l33t sp34k", "aaaaaaaaaaaaaaaaaaaa", "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
]

# [text, times]: what would be long in the file is kept as a repetition.
REPEATED = [
    ["a", 99], ["a", 100], ["a", 101], ["a", 200], ["a", 10000], ["é", 100], ["é", 101], ["e\u0301", 100], ["e\u0301", 101], ["😀", 99], ["😀", 100], ["😀", 101], ["𐐀", 100], ["𐐀", 101], ["ß", 100], ["中", 100], ["中", 126], ["中", 127], ["中", 500], ["日本語", 300],
    ["hello ", 125], ["hello ", 126], ["hello ", 127], ["hello ", 128], ["hello ", 129], ["hello ", 2000], ["!", 125], ["!", 126], ["!", 127], ["!", 1000], ["a b ", 63], ["a b ", 64], ["unbelievably ", 60], ["\u0301", 300], ["\x00", 500], [" ", 5000], ["\n", 300], ["x\n", 200], ["the quick brown fox jumps over the lazy dog ", 30], ["Breaking news: storm, flood & fire! ", 300], ["word" * 30 + " ", 100], ["[SEP]", 130], ["[MASK] ", 130], ["مرحبا ", 200], ["é" * 1023 + " ", 3], ["ab " * 341 + "é ", 3], ["ÀÉ", 700], ["a" * 1024 + " b ", 3], ["\u3000あ", 200], ["a\u0300\u0316\u0301 ", 400],
]


def random_strings(count: int) -> list[str]:
    rng = random.Random(20)
    blocks = [(0x20, 0x7E)] * 4 + [(0, 0x1F), (0xA0, 0x17F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x700, 0x8FF), (0x900, 0xDFF), (0xE00, 0x11FF), (0x1200, 0x1FFF), (0x2000, 0x2BFF), (0x2C00, 0x2FFF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7A3), (0xF900, 0xFFFF), (0x10000, 0x11FFF), (0x12000, 0x1CFFF), (0x1D000, 0x1FBFF), (0x20000, 0x323AF), (0xE0000, 0xE01EF)]
    words = "the news storm Flood CITY fire, president's café 北京 😀 и مرحبا [SEP] photo-op 2024 naïve ΣΑΣ İ".split(" ")
    out = []
    for index in range(count):
        parts = []
        for _ in range(rng.randint(1, 14)):
            if index % 3 == 0 or rng.random() < 0.4:
                parts.append(rng.choice(words))
            else:
                low, high = rng.choice(blocks)
                parts.append("".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 6))))
            parts.append(rng.choice([" ", " ", "", "", "\u0301", "\u200d", "\n", "-"]))
        out.append("".join(parts))
    return out


def manual_strings(count: int) -> list[str]:
    from pydoc_data.topics import topics

    rng = random.Random(21)
    lines = sorted({line.strip() for page in topics.values() for line in page.splitlines() if len(line) > 30})
    return rng.sample(lines, count)


# --- Tokenizers ------------------------------------------------------------------------------------------------------


def corpus(strings: list[str]) -> list[str]:
    from pydoc_data.topics import topics

    return [topics[name] for name in sorted(topics)] + strings * 3


def train_vocabulary(strings: list[str]) -> list[str]:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    alphabet = [chr(c) for low, high in [(0x21, 0x7E), (0x3B1, 0x3C9), (0x430, 0x44F), (0x5D0, 0x5EA), (0x621, 0x64A), (0x905, 0x939)] for c in range(low, high + 1)]
    trainer = trainers.WordPieceTrainer(vocab_size=6000, min_frequency=2, special_tokens=SPECIAL, initial_alphabet=alphabet, limit_alphabet=1200)
    tokenizer.train_from_iterator(corpus(strings), trainer)
    ids = tokenizer.get_vocab()
    return sorted(ids, key=ids.__getitem__)


def bert(vocab: list[str], **normalizer) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocab)}, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(**normalizer)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocab.index("[CLS]")), ("[SEP]", vocab.index("[SEP]"))]
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def train_bpe() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(corpus([]), trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def blank(text: str) -> bool:
    # Unicode White_Space; Python's isspace() also counts U+001C … U+001F.
    return all(c.isspace() and not "\x1c" <= c <= "\x1f" for c in text)


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(EMPTY_TEXT if blank(text) else text).ids


# --- Every code point ------------------------------------------------------------------------------------------------


def plane_text(plane: int) -> str:
    return " ".join(f"a{chr(c)}b" for c in range(plane << 16, (plane + 1) << 16) if not 0xD800 <= c <= 0xDFFF)


def plane_digests(lowercase: bool) -> list[str]:
    normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    words = pre_tokenizers.BertPreTokenizer()
    digests = []
    for plane in range(17):
        pieces = words.pre_tokenize_str(normalizer.normalize_str(plane_text(plane)))
        digests.append(hashlib.sha256("\n".join(piece for piece, _ in pieces).encode()).hexdigest())
    return digests


def ranges(points: list[int]) -> str:
    runs: list[list[int]] = []
    for point in points:
        if runs and runs[-1][1] == point - 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return " ".join(f"{low:x}" if low == high else f"{low:x}-{high:x}" for low, high in runs)


def print_characters() -> None:
    only = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    clean = normalizers.BertNormalizer(**{**only, "clean_text": True}).normalize_str
    chinese = normalizers.BertNormalizer(**{**only, "handle_chinese_chars": True}).normalize_str
    strip = normalizers.BertNormalizer(**{**only, "strip_accents": True}).normalize_str
    words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    points = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    print("unicode of this Python:", unicodedata.unidata_version)
    print("punctuation:", ranges([c for c in points if len(words(f"a{chr(c)}b")) == 3]))
    print("nonspacingMarks:", ranges([c for c in points if strip(chr(c)) == ""]))
    print("removed:", ranges([c for c in points if clean(chr(c)) == ""]))
    print("chinese:", ranges([c for c in points if chinese(chr(c)) != chr(c)]))
    print("left as it is by strip_accents (`newer` = the marks and decomposable letters that Node finds among these):")
    print(ranges([c for c in points if strip(chr(c)) == chr(c)]))


# --- Output ----------------------------------------------------------------------------------------------------------


def main() -> None:
    if "--characters" in sys.argv:
        return print_characters()
    strings = [*dict.fromkeys(BY_HAND + manual_strings(120) + random_strings(420))]
    OUT.mkdir(parents=True, exist_ok=True)
    if "--train" in sys.argv:
        (OUT / "vocab.txt").write_text("".join(token + "\n" for token in train_vocabulary(strings)), encoding="utf-8")
        train_bpe().save(str(OUT / "bpe.json"), pretty=False)
    vocab = (OUT / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
    bpe = Tokenizer.from_file(str(OUT / "bpe.json"))
    bpe.enable_truncation(MAX_TOKENS)
    kinds = {
        "uncased": bert(vocab, lowercase=True),
        "cased": bert(vocab, lowercase=False),
        "accents": bert(vocab, lowercase=True, strip_accents=False, handle_chinese_chars=False),
    }
    texts = [[text, 1] for text in strings] + REPEATED
    golden = {
        "command": "python scripts/golden/tokens.py",
        "versions": {"python": platform.python_version(), "tokenizers": tokenizers.__version__},
        "max_tokens": MAX_TOKENS,
        "empty_text": EMPTY_TEXT,
        "planes": {"uncased": plane_digests(True), "cased": plane_digests(False)},
        "cases": [{"text": text, "times": times, "uncased": encode(kinds["uncased"], text * times)} for text, times in texts],
        "variants": [
            {"text": text, "cased": encode(kinds["cased"], text), "accents": encode(kinds["accents"], text)} for text in BY_HAND
        ],
        "bpe": [{"text": text, "ids": encode(bpe, text)} for text in BY_HAND[12:60] + ["news " * 300]],
    }
    lines = json.dumps(golden, ensure_ascii=True, separators=(",", ":")).replace('},{"text"', '},\n{"text"')
    (OUT / "tokens.json").write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
