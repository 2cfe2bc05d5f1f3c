package org.attune.reward.task;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.List;

/// `How often does the letter "b" occur in "abcabb"?` Careless people miss one.
final class LetterCounting implements TaskKind {
    private static final String LETTERS = "letters";
    private static final String ALPHABET = "alphabet";

    @Override
    public String name() {
        return "letter-counting";
    }

    @Override
    public String description() {
        return "count a letter in a word";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter(LETTERS, "length of the word", 3, 60, 6, 12, 24),
                new Parameter(ALPHABET, "different letters", 2, Words.LETTERS, 4, 6, 8));
    }

    @Override
    public AnswerCheck check() {
        return AnswerCheck.NUMBER;
    }

    @Override
    public Problem draw(Difficulty difficulty, UniformRandomProvider random) {
        int alphabet = difficulty.get(ALPHABET);
        String word = Words.random(difficulty.get(LETTERS), alphabet, random);
        char letter = Words.letter(alphabet, random);
        long count = word.chars().filter(c -> c == letter).count();
        return Problem.of(
                "How often does the letter \"%s\" occur in \"%s\"?".formatted(letter, word),
                Long.toString(count),
                Long.toString(Math.max(0, count - 1)));
    }
}
