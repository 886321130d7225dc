/// English words cut to their stems: Porter's algorithm with the departures that NLTK's `PorterStemmer` makes unless told
/// otherwise, for ``RougeL``.
///
/// M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980. A word is `[C](VC)^m[V]`, with C a run of consonants
/// and V one of vowels; rules are tried in order, the first whose suffix fits decides, and most ask for a measure m of what
/// is left. Departures (`NLTK_EXTENSIONS`): a list of irregular words; words of one or two letters stay; `ies` and `ied` of
/// four-letter words become `ie`; y becomes i after a consonant that is not the first letter; `bli`, `fulli` and `logi`
/// in step 2; and a two-letter stem of a vowel and a consonant counts as consonant-vowel-consonant.
enum PorterStemmer {
    /// Replaces a word of lower-case ASCII letters and digits (which count as consonants) by its stem.
    static func stem(_ word: inout [UInt8]) {
        if let stem = irregular[word] {
            word = stem
            return
        }
        guard word.count > 2 else { return }
        removePlural(&word)
        removePastOrGerund(&word)
        replaceFinalY(&word)
        replaceDoubleSuffix(&word)
        apply(step3, to: &word) { measure($0, upTo: $1) > 0 }
        removeSuffix(&word)
        removeFinalE(&word)
        if hasSuffix(word, doubleL), measure(word, upTo: word.count - 1) > 1 { word.removeLast() }
    }

    private struct Rule: Sendable {
        let suffix: [UInt8]
        let replacement: [UInt8]

        init(_ suffix: StaticString, _ replacement: StaticString = "") {
            self.suffix = letters(suffix)
            self.replacement = letters(replacement)
        }
    }

    private static func letters(_ string: StaticString) -> [UInt8] { Array(string.description.utf8) }

    private static let irregular: [[UInt8]: [UInt8]] = {
        let forms: [(StaticString, StaticString)] = [
            ("sky", "sky"), ("skies", "sky"), ("dying", "die"), ("lying", "lie"), ("tying", "tie"), ("news", "news"),
            ("innings", "inning"), ("inning", "inning"), ("outings", "outing"), ("outing", "outing"), ("cannings", "canning"),
            ("canning", "canning"), ("howe", "howe"), ("proceed", "proceed"), ("exceed", "exceed"), ("succeed", "succeed"),
        ]
        return Dictionary(uniqueKeysWithValues: forms.map { (letters($0), letters($1)) })
    }()

    private static let ies = letters("ies")
    private static let ied = letters("ied")
    private static let eed = letters("eed")
    private static let doubleL = letters("ll")
    private static let alli = letters("alli")
    private static let logi = letters("logi")
    private static let ion = letters("ion")
    private static let step1a = [Rule("sses", "ss"), Rule("ies", "i"), Rule("ss", "ss"), Rule("s")]
    private static let pastOrGerund = [letters("ed"), letters("ing")]
    private static let restoredE = [Rule("at", "ate"), Rule("bl", "ble"), Rule("iz", "ize")]
    private static let step2 = [
        Rule("ational", "ate"), Rule("tional", "tion"), Rule("enci", "ence"), Rule("anci", "ance"), Rule("izer", "ize"),
        Rule("bli", "ble"), Rule("alli", "al"), Rule("entli", "ent"), Rule("eli", "e"), Rule("ousli", "ous"),
        Rule("ization", "ize"), Rule("ation", "ate"), Rule("ator", "ate"), Rule("alism", "al"), Rule("iveness", "ive"),
        Rule("fulness", "ful"), Rule("ousness", "ous"), Rule("aliti", "al"), Rule("iviti", "ive"), Rule("biliti", "ble"),
        Rule("fulli", "ful"),
    ]
    private static let step3 = [
        Rule("icate", "ic"), Rule("ative"), Rule("alize", "al"), Rule("iciti", "ic"), Rule("ical", "ic"), Rule("ful"), Rule("ness"),
    ]
    private static let step4 = [
        Rule("al"), Rule("ance"), Rule("ence"), Rule("er"), Rule("ic"), Rule("able"), Rule("ible"), Rule("ant"), Rule("ement"),
        Rule("ment"), Rule("ent"), Rule("ion"), Rule("ou"), Rule("ism"), Rule("ate"), Rule("iti"), Rule("ous"), Rule("ive"), Rule("ize"),
    ]

    /// Step 1a.
    private static func removePlural(_ word: inout [UInt8]) {
        if word.count == 4, hasSuffix(word, ies) {
            word.removeLast()
        } else {
            apply(step1a, to: &word) { _, _ in true }
        }
    }

    /// Step 1b.
    private static func removePastOrGerund(_ word: inout [UInt8]) {
        if hasSuffix(word, ied) {
            word.removeLast(word.count == 4 ? 1 : 2)
            return
        }
        if hasSuffix(word, eed) {
            if measure(word, upTo: word.count - 3) > 0 { word.removeLast() }
            return
        }
        let suffix = pastOrGerund.first { hasSuffix(word, $0) && hasVowel(word, upTo: word.count - $0.count) }
        guard let suffix else { return }
        word.removeLast(suffix.count)
        if apply(restoredE, to: &word, where: { _, _ in true }) { return }
        if word.count > 1, word[word.count - 1] == word[word.count - 2], isConsonant(word, word.count - 1) {
            if ![UInt8(ascii: "l"), UInt8(ascii: "s"), UInt8(ascii: "z")].contains(word[word.count - 1]) { word.removeLast() }
        } else if measure(word, upTo: word.count) == 1, isShort(word, upTo: word.count) {
            word.append(UInt8(ascii: "e"))
        }
    }

    /// Step 1c.
    private static func replaceFinalY(_ word: inout [UInt8]) {
        guard word.last == UInt8(ascii: "y"), word.count > 2, isConsonant(word, word.count - 2) else { return }
        word[word.count - 1] = UInt8(ascii: "i")
    }

    /// Step 2. What `alli` leaves is looked at again, and `logi` keeps its l in the stem that is measured.
    private static func replaceDoubleSuffix(_ word: inout [UInt8]) {
        if hasSuffix(word, alli), measure(word, upTo: word.count - 4) > 0 { word.removeLast(2) }
        if apply(step2, to: &word, where: { measure($0, upTo: $1) > 0 }) { return }
        if hasSuffix(word, logi), measure(word, upTo: word.count - 3) > 0 { word.removeLast() }
    }

    /// Step 4. `ion` goes only after s or t.
    private static func removeSuffix(_ word: inout [UInt8]) {
        apply(step4, to: &word) { word, stem in
            guard measure(word, upTo: stem) > 1 else { return false }
            guard word[stem...].elementsEqual(ion) else { return true }
            return word[stem - 1] == UInt8(ascii: "s") || word[stem - 1] == UInt8(ascii: "t")
        }
    }

    /// Step 5a.
    private static func removeFinalE(_ word: inout [UInt8]) {
        guard word.last == UInt8(ascii: "e") else { return }
        let stem = word.count - 1
        let m = measure(word, upTo: stem)
        if m > 1 || m == 1 && !isShort(word, upTo: stem) { word.removeLast() }
    }

    /// Applies the first rule whose suffix the word has, if the word and the count of letters before the suffix pass `condition`.
    /// Says whether there was one.
    @discardableResult
    private static func apply(_ rules: [Rule], to word: inout [UInt8], where condition: ([UInt8], Int) -> Bool) -> Bool {
        guard let rule = rules.first(where: { hasSuffix(word, $0.suffix) }) else { return false }
        let stem = word.count - rule.suffix.count
        if condition(word, stem) { word.replaceSubrange(stem..., with: rule.replacement) }
        return true
    }

    private static func hasSuffix(_ word: [UInt8], _ suffix: [UInt8]) -> Bool {
        let start = word.count - suffix.count
        guard start >= 0 else { return false }
        for index in suffix.indices.reversed() where word[start + index] != suffix[index] { return false }
        return true
    }

    /// y is a consonant at the start of a word and after a vowel.
    private static func isConsonant(_ word: [UInt8], _ index: Int) -> Bool {
        var start = index
        while start > 0, word[start] == UInt8(ascii: "y") { start -= 1 }
        let startsWithConsonant = word[start] == UInt8(ascii: "y") || !isPlainVowel(word[start])
        return startsWithConsonant == ((index - start) % 2 == 0)
    }

    private static func isPlainVowel(_ letter: UInt8) -> Bool {
        switch letter {
        case UInt8(ascii: "a"), UInt8(ascii: "e"), UInt8(ascii: "i"), UInt8(ascii: "o"), UInt8(ascii: "u"): true
        default: false
        }
    }

    /// Without one of a, e, i, o, u, a y that is not the first letter follows a consonant or such a y: one of them is a vowel.
    private static func hasVowel(_ word: [UInt8], upTo end: Int) -> Bool {
        word[..<end].contains(where: isPlainVowel) || word[..<end].dropFirst().contains(UInt8(ascii: "y"))
    }

    /// Porter's m of the first `end` letters: how often a consonant follows a vowel.
    private static func measure(_ word: [UInt8], upTo end: Int) -> Int {
        var (m, followsVowel) = (0, false)
        for index in 0..<end {
            let isVowel = word[index] == UInt8(ascii: "y") ? index > 0 && !followsVowel : isPlainVowel(word[index])
            if followsVowel && !isVowel { m += 1 }
            followsVowel = isVowel
        }
        return m
    }

    /// Porter's *o: ends consonant-vowel-consonant, the last not w, x or y.
    private static func isShort(_ word: [UInt8], upTo end: Int) -> Bool {
        guard end > 1, isConsonant(word, end - 1), !isConsonant(word, end - 2) else { return false }
        guard end > 2 else { return true }
        return isConsonant(word, end - 3) && ![UInt8(ascii: "w"), UInt8(ascii: "x"), UInt8(ascii: "y")].contains(word[end - 1])
    }
}
