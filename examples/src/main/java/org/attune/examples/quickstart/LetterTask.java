package org.attune.examples.quickstart;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.Arrays;

/// Puzzles about a word of a few letters. Each has one right answer and one typical mistake: to
/// repeat the word instead of doing what was asked.
public enum LetterTask {
    SORT("Sort"),
    REVERSE("Reverse"),
    FIRST("First"),
    LAST("Last"),
    DOUBLE("Double");

    private static final int MIN_LETTERS = 3;
    private static final int MAX_LETTERS = 4;
    private static final int ALPHABET = 10;

    private final String verb;

    LetterTask(String verb) {
        this.verb = verb;
    }

    /// One puzzle.
    ///
    /// @param prompt what the user says, e.g. `Sort: dab`
    /// @param answer what is right, e.g. `abd`
    /// @param mistake what a careless model says; never equal to `answer`
    public record Puzzle(LetterTask task, String prompt, String answer, String mistake) {
        public Puzzle {
            if (answer.equals(mistake)) {
                throw new IllegalArgumentException(
                        prompt + ": the mistake \"" + mistake + "\" is right");
            }
        }
    }

    /// The right answer for `word`.
    public String solve(String word) {
        return switch (this) {
            case SORT -> sorted(word);
            case REVERSE -> new StringBuilder(word).reverse().toString();
            case FIRST -> word.substring(0, 1);
            case LAST -> word.substring(word.length() - 1);
            case DOUBLE -> word + word;
        };
    }

    /// The puzzle of this kind about `word`.
    ///
    /// @throws IllegalArgumentException if to repeat the word would be right, e.g. `Sort: abc`
    public Puzzle about(String word) {
        return new Puzzle(this, verb + ": " + word, solve(word), word);
    }

    /// Draws a puzzle: any task, a word of 3 or 4 of the letters `a` to `j` that the task changes.
    public static Puzzle draw(UniformRandomProvider random) {
        while (true) {
            LetterTask task = values()[random.nextInt(values().length)];
            String word = word(random);
            if (!task.solve(word).equals(word)) {
                return task.about(word);
            }
        }
    }

    private static String word(UniformRandomProvider random) {
        int length = random.nextInt(MIN_LETTERS, MAX_LETTERS + 1);
        var word = new StringBuilder();
        for (int i = 0; i < length; i++) {
            word.append((char) ('a' + random.nextInt(ALPHABET)));
        }
        return word.toString();
    }

    private static String sorted(String word) {
        char[] letters = word.toCharArray();
        Arrays.sort(letters);
        return new String(letters);
    }
}
