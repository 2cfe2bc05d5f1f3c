package org.attune.cli.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

class NearTextsTest {
    /// Words `from` to `from + 99`: with runs of one word two such texts share `100 - d` of
    /// `100 + d` words, `d` apart.
    private static String words(int from) {
        return IntStream.range(from, from + 100)
                .mapToObj(i -> "w" + i)
                .collect(Collectors.joining(" "));
    }

    @Test
    void textsAboveTheThresholdAreFoundAndThoseBelowAreNot() {
        int found = 0;
        int wrong = 0;
        for (int trial = 0; trial < 50; trial++) {
            var texts = new NearTexts(0.7, 256, 1);
            texts.find(words(1000 * trial));
            found += texts.find(words(1000 * trial + 8)).isPresent() ? 1 : 0; // J = 92 / 108
            wrong += texts.find(words(1000 * trial + 40)).isPresent() ? 1 : 0; // J = 60 / 140
        }
        assertTrue(found >= 49, "found " + found);
        assertEquals(0, wrong);
    }

    @Test
    void aTextIsComparedWithThoseThatWereKept() {
        var texts = new NearTexts(0.9, 64, 3);
        assertEquals(OptionalInt.empty(), texts.find(words(0)));
        assertEquals(OptionalInt.empty(), texts.find(words(500)));
        assertEquals(OptionalInt.of(1), texts.find(words(500)));
        assertEquals(OptionalInt.of(0), texts.find(words(0)));
        assertEquals(OptionalInt.empty(), texts.find("short"));
        assertEquals(OptionalInt.of(2), texts.find("short!"));
    }

    @Test
    void scriptsWithoutBlanksHaveRunsToo() {
        var texts = new NearTexts(0.8, 128, 2);
        assertEquals(OptionalInt.empty(), texts.find("今天天气很好我们一起去公园散步吧然后回家吃饭"));
        assertEquals(OptionalInt.of(0), texts.find("今天天气很好我们一起去公园散步吧然后回家吃饭。"));
        assertEquals(OptionalInt.empty(), texts.find("昨天下雨所以大家都在屋里看书喝茶聊天到很晚才睡"));
    }

    @Test
    void bandsAreWideEnoughToMissFew() {
        int rows = NearTexts.rowsOfBand(0.8, 128);
        int bands = 128 / rows;
        double missed = Math.pow(1 - Math.pow(0.8, rows), bands);
        assertTrue(rows > 3 && missed <= 0.01, rows + " rows, missed " + missed);
        assertEquals(1, NearTexts.rowsOfBand(0.01, 16));
        assertEquals(16, NearTexts.rowsOfBand(1, 16));
    }
}
