package org.attune.reports.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.Collections;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

class ClassVerdictTest {
    /// 30 rows, every third of them spam.
    private static final List<String> CLASSES =
            IntStream.range(0, 30).mapToObj(i -> i % 3 == 0 ? "spam" : "ham").toList();

    private static ClassVerdict of(IntPredicate named) {
        return ClassVerdict.of(
                CLASSES, IntStream.range(0, 30).mapToObj(named::test).toList(), "ham");
    }

    @Test
    void whatIsRightMoreOftenIsBetter() {
        ClassVerdict verdict = of(i -> i != 1);
        assertTrue(verdict.isBetter());
        assertTrue(
                verdict.line()
                        .startsWith(
                                "better: accuracy 0.9667 on 30 held-out texts; 0.6667 by always"
                                        + " saying \"ham\"."),
                verdict.line());
    }

    @Test
    void theMostFrequentClassAloneIsNoBetter() {
        ClassVerdict verdict = of(i -> i % 3 != 0);
        assertFalse(verdict.isBetter());
        assertTrue(verdict.line().startsWith("no better: accuracy 0.6667 "), verdict.line());
    }

    @Test
    void lessIsNoBetter() {
        assertFalse(of(i -> false).isBetter());
    }

    @Test
    void fewRowsTellNothing() {
        List<String> few = List.of("a", "b", "b", "a", "b");
        var verdict = ClassVerdict.of(few, Collections.nCopies(5, true), "a");
        assertEquals(false, verdict.isBetter());
        assertTrue(verdict.line().contains("too few to tell"), verdict.line());
    }
}
