package org.attune.rollout.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.junit.jupiter.api.Test;

import java.util.List;

final class TextHoldTest {
    private static final List<String> STOPS = List.of("aba", "bb", "abca");

    /// What isn't given out is the longest end that begins a stop string.
    @Test
    void whatMayBeginAStopIsHeldBackAndNothingElse() {
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(5L);
        for (int i = 0; i < 2000; i++) {
            var hold = new TextHold(STOPS);
            String text = "";
            String given = "";
            for (int piece = 0; piece < 6; piece++) {
                String more = letters(random);
                text += more;
                given += hold.push(more);
                String left = text;
                while (!isBeginning(left)) {
                    left = left.substring(1);
                }
                assertEquals(text, given + left);
            }
            assertEquals(text, given + hold.rest());
        }
    }

    private static boolean isBeginning(String text) {
        return STOPS.stream().anyMatch(stop -> stop.startsWith(text));
    }

    private static String letters(UniformRandomProvider random) {
        var text = new StringBuilder();
        for (int length = random.nextInt(4); length > 0; length--) {
            text.append((char) ('a' + random.nextInt(3)));
        }
        return text.toString();
    }
}
