package org.attune.reward.task;

import org.apache.commons.rng.UniformRandomProvider;

/// Words that mean nothing.
final class Words {
    static final int LETTERS = 26;

    private Words() {}

    /// A word of the alphabet's first letters.
    static String random(int length, int alphabet, UniformRandomProvider random) {
        var word = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            word.append(letter(alphabet, random));
        }
        return word.toString();
    }

    static char letter(int alphabet, UniformRandomProvider random) {
        return (char) ('a' + random.nextInt(alphabet));
    }
}
