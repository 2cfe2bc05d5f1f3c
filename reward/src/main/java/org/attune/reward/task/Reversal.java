package org.attune.reward.task;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.List;

/// `Write "dab" backwards.` Careless people repeat the word.
final class Reversal implements TaskKind {
    private static final String LETTERS = "letters";
    private static final String ALPHABET = "alphabet";

    @Override
    public String name() {
        return "reversal";
    }

    @Override
    public String description() {
        return "write a word backwards";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter(LETTERS, "length of the word", 3, 60, 4, 8, 16),
                new Parameter(ALPHABET, "different letters", 2, Words.LETTERS, 10, 26, 26));
    }

    @Override
    public AnswerCheck check() {
        return AnswerCheck.WORD;
    }

    @Override
    public Problem draw(Difficulty difficulty, UniformRandomProvider random) {
        String word = Words.random(difficulty.get(LETTERS), difficulty.get(ALPHABET), random);
        return Problem.of(
                "Write \"%s\" backwards.".formatted(word),
                new StringBuilder(word).reverse().toString(),
                word);
    }
}
