package org.attune.auto;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// What a column's name says.
///
/// @param text the name
/// @param words of it, in its normal form
/// @param strong roles that it says
/// @param loose roles that it says but for words that say nothing
/// @param weak roles that it may have where no other column has them
/// @param said roles that it or a word in it says, or may say
/// @param stem the name without the letter or number of one of two; empty if it has none
record ColumnName(
        String text,
        List<String> words,
        Set<ColumnRole> strong,
        Set<ColumnRole> loose,
        Set<ColumnRole> weak,
        Set<ColumnRole> said,
        String stem) {
    static ColumnName of(String text) {
        List<String> words = ColumnWords.split(text);
        Set<ColumnRole> said = EnumSet.noneOf(ColumnRole.class);
        said.addAll(ColumnWords.within(text));
        said.addAll(ColumnWords.weak(text));
        words.forEach(word -> said.addAll(ColumnWords.weak(word)));
        return new ColumnName(
                text,
                words,
                ColumnWords.strong(text),
                ColumnWords.loose(text),
                ColumnWords.weak(text),
                said,
                ColumnWords.stem(text));
    }

    /// Whether a word of the name is in a set of `column-words.tsv`.
    boolean has(String set) {
        return words.stream().anyMatch(ColumnWords.set(set)::contains);
    }

    /// Whether the whole name is in a set.
    boolean is(String set) {
        return ColumnWords.set(set).contains(String.join("_", words)) || ColumnWords.is(text, set);
    }

    /// Whether one column may have this name by itself.
    boolean isKnown() {
        return !strong.isEmpty() || !weak.isEmpty();
    }

    /// The last word that is no number or letter.
    String noun() {
        return words.stream()
                .filter(word -> !word.matches("\\p{N}+|[a-e]"))
                .reduce("", (_, word) -> word);
    }

    /// Whether the name says class, as `label`, `intent_name` or `is_spam`.
    boolean isClass() {
        int last = words.size() - 1;
        Set<String> classes = ColumnWords.set("class");
        boolean coded = last > 0 && ColumnWords.set("classCode").contains(words.get(last));
        return classes.contains(words.get(last)) || coded && classes.contains(words.get(last - 1));
    }

    /// Whether the name is that of one wrong answer, such as a distractor of a quiz.
    boolean isWrong() {
        String noun = noun();
        return has("wrong")
                && (ColumnWords.has(noun, "choice") || ColumnWords.has(noun, "wrong"))
                && !ColumnWords.has(noun, "list");
    }
}
