package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;

class StopTextTest {
    @Test
    void nobodyGetsAPartOfAStop() {
        var stop = new StopText(List.of("END", "ENOUGH"), false);
        assertEquals("a ", stop.push("a E", true));
        assertEquals("", stop.push("N", true));
        assertEquals("ENX", stop.push("X", true));
        assertEquals("", stop.push("EN", true));
        assertEquals("", stop.push("OUGH and more", true));
        assertEquals(Optional.of("ENOUGH"), stop.found());
        assertEquals("", stop.push("x", true));
        assertEquals("", stop.rest());
    }

    @Test
    void theFirstOfSeveralCounts() {
        var stop = new StopText(List.of("d", "b"), false);
        assertEquals("a", stop.push("abcd", true));
    }

    @Test
    void theStopMayStay() {
        var stop = new StopText(List.of("b"), true);
        assertEquals("ab", stop.push("abc", true));
    }

    @Test
    void anEarlyStopIsText() {
        var stop = new StopText(List.of("b"), false);
        assertEquals("ab", stop.push("ab", false));
        assertTrue(stop.found().isEmpty());
        assertEquals("c", stop.push("cb", true));
    }

    @Test
    void whatWasHeldBackComesAtTheEnd() {
        var stop = new StopText(List.of("<stop>"), false);
        assertEquals("x", stop.push("x<sto", true));
        assertEquals("<sto", stop.rest());
    }
}
