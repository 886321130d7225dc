"""Makes porter_stems.json and self_bleu.jsonl beside this file:

    pip install nltk==3.10.4 sacrebleu==2.6.0
    python text_metrics.py

Stems are those of NLTK's PorterStemmer in its default mode, scores those of sacrebleu's sentence BLEU of each text against the
others of its group, tokens those of sacrebleu's 13a.
"""

import json
import pathlib
import random

from nltk.stem.porter import PorterStemmer
from sacrebleu.metrics import BLEU

folder = pathlib.Path(__file__).parent

# For every rule words that it changes and words that its condition spares.
WORDS = """
sky skies dying lying tying news inning innings outing outings canning cannings howe proceed exceed succeed proceeds
caresses ponies ties dies lies flies pies caress cats glasses misses buses process analysis gas this bies aies
feed agreed need freed exceeding plastered bled red sing king bring motoring hoping sized conflated troubled hopping tanned
falling hissing fizzed failing filing rated enabled realized adding egged running swimming controlled buzzed missed filled
spied tried died lied tied cried applied studied hurried eyed used owed aging icing bowing boxing playing fixing stopped planned
agreed guaranteed seed speeding proceeded emptied yelling crying flying rhythm syzygy trying
happy sky enjoy spy cry by say day fly shy apply money array monthly daily weekly quantity twenty forty
relational conditional rational valenci hesitanci digitizer conformabli radicalli differentli vileli analogousli vietnamization
predication operator feudalism decisiveness hopefulness callousness formaliti sensitiviti sensibiliti national station
valency hesitancy comfortably possibly radically differently vilely analogously actually totally equally finally exactly really
hopefully carefully faithfully fully successfully analogy biology geology apology theology logi technology probability possibility
ability quality equality normality activity relativity additional international optional organizer sizer equalization
rotation relation nation operation multiplication addition subtraction fraction equation creator operators capitalism
effectiveness usefulness fullness awareness seriousness locality
triplicate formative formalize electriciti electrical hopeful goodness duplicate native generalize specialized electricity
electric practical mathematical numerical identical careful useful kindness business happiness wilderness alternative
revival allowance inference airliner gyroscopic adjustable defensible irritant replacement adjustment dependent adoption
homologou communism activate angulariti homologous effective bowdlerize removal total final balance difference sentence
number remainder quarter dinner together graphic basic topic available edible constant important payment cement element
apartment government percent different student decision division million onion ion union region occasion session question
solution motion precious serious various famous criterion optimism realism calculate estimate separate plate gravities
cities positive negative relative give five maximize minimize prize size
probate rate cease here there where whose purchase apples oranges pencils twice half price ate die tie lie be ee late
controll roll full fell shell toll recall install hall ball all bell small total will pulled dollars dollar
generate generates generated generating generation generator generalizations oscillators
first second third calculated calculating calculation altogether remaining remained therefore because however another
twelve thousand hundred hundreds hours minutes miles kilometers each every cookies marbles students teachers classes
costs paying paid spends spent saved saving savings earned earning earns worked working bought buying baked sells sold
12 3rd 24th 100km x2 a1b2ed 12ing 12ed 2ies abc123s
yyyy yyyying yed ying byed eyes dyed sayings buoyed
""".split()

NAMES = "Mara Tobias Ines Kwame Yuki Olga Pedro Anneke".split()
THINGS = "apples,pencils,tickets,marbles,stickers,liters of paint,books,miles".split(",")
OPENINGS = [
    "{n} starts with {a} {t}.", "First, we find how many {t} {n} has: {a}.", "{n}'s {t}: {a}", "Let x be the number of {t}; x = {a}.",
]
STEPS = [
    "Then {a}+{b}=<<{a}+{b}={c}>>{c} {t}.", "Adding {b}, {n} has {a} + {b} = {c} {t}.", "So, {n} gets ${b}.50 more: ${a}.00+${b}.50.",
    "That is {a} x {b} = {d} {t}, or {d}/{b} = {a} for each.", "In total there are ({a} + {b}) * 2 = {e} {t}!",
    "\\[ {a} \\times {b} = {d} \\]", "We multiply: {a}*{b}={d:,}.", "{a}-{b} is the rest; 10-{b} isn't.",
    "Half of {c} is {c}/2 -- about 50% of it.",
]
ENDINGS = ["The answer is {c}.", "#### {c}", "A: {c}", "Therefore, the total is $\\boxed{{{c}}}$.", "So the answer is {c} {t}."]


def solution(random, values):
    parts = [random.choice(OPENINGS)] + random.sample(STEPS, random.randint(0, 4)) + [random.choice(ENDINGS)]
    return random.choice([" ", "\n"]).join(parts).format(**values)


def groups():
    yield ["", ""]
    yield ["", "The answer is 4."]
    yield ["4", "4"]
    yield ["four", "5"]
    yield ["four five", "five four", "four"]
    yield ["a b c", "a b d", "x y z w"]
    yield ["2 + 3 = 5"] * 3
    yield ["The total is 7 apples."] * 4
    yield ["&quot;x &lt; 3&quot; &amp; y &gt; 2", '"x < 3" & y > 2', "&amp;lt; 3 &ampx &quot"]
    yield ["He paid $1,200.50, or 1,200.5.", "He paid $ 1,200.50 , or 1200.5", ".5 + ,5 = 5. , 6.,7 ..."]
    yield ["well-known 10-5=5 -3 - 2-", "well - known 10 - 5 = 5 -3 -2", "line-\nbreak and\nline", "x-\n", "line-break and line"]
    yield ["π ≈ 3,14. Größe «10»", "Größe: π=3.14", "答案是七十三。73", "ответ 7, не 8", "naïve é.a"]
    yield ["a\u00a0b\u2003c\u3000d\u0085e\x1cf\tg\r\nh", "a b c d e f g h  \u2028", "\u200ba b\ufeff c"]
    yield ["<skipped>one<skipped> two", "one two", "<skip>ped> one two <<1+1=2>>"]
    yield ["{a} [b] ~c~ `d` ^e_f| \\g @h #i !j ?k <l> 'm' *n* (o) %p%", "a b c d e f g h i j k l m n o p", "it's o'clock 5' 6\""]
    yield ["one " * 60, "one", "one one one one"]
    yield ["The sum is 5. " * 12, "The sum is 5.", "5"]
    yield ["a b c d e f g h i j", "a b", "a b c d e f g h i j k l m n o p q r s t u v w x y z"]
    yield ["The the THE", "the the the", "The The"]
    random_ = random.Random(17)
    for _ in range(48):
        values = {"n": random_.choice(NAMES), "t": random_.choice(THINGS), "a": random_.randint(2, 90), "b": random_.randint(2, 60)}
        values |= {"c": values["a"] + values["b"], "d": values["a"] * values["b"], "e": 2 * (values["a"] + values["b"])}
        yield [solution(random_, values) for _ in range(random_.choice([2, 3, 4, 8]))]


def distinct(texts, n):
    grams = [tuple(t[i : i + n]) for t in texts for i in range(len(t) - n + 1)]
    return [len(set(grams)), len(grams)]


stemmer = PorterStemmer()
stems = {word: stemmer.stem(word) for word in dict.fromkeys(WORDS)}
(folder / "porter_stems.json").write_text(json.dumps(stems, indent=0) + "\n")

bleu = BLEU(effective_order=True, tokenize="13a", smooth_method="exp", lowercase=False)
with open(folder / "self_bleu.jsonl", "w") as out:
    for texts in groups():
        scores = [bleu.sentence_score(text, texts[:i] + texts[i + 1 :]).score / 100 for i, text in enumerate(texts)]
        tokens = [bleu.tokenizer(text.rstrip()).split() for text in texts]
        row = {
            "texts": texts, "tokens": tokens, "self_bleu": sum(scores) / len(scores),
            "distinct": [distinct(tokens, n) for n in range(1, 5)],
        }
        out.write(json.dumps(row) + "\n")
