package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Every attempt of `attacks.py` is held.
class AttackTest {
    private static final int AT_LEAST = 1500;

    /// Begins what a probe found open.
    static final String FOUND = "a program in it";

    @Test
    void everyAttemptIsHeld() throws Exception {
        assumeTrue(Machine.here().isPresent(), "no Linux");
        Optional<PythonHome> python = PythonHome.find();
        assumeTrue(python.isPresent(), "there is no Python");
        AttackRun.Outcome outcome = new AttackRun(python.get()).run(Set.of());
        System.out.printf("attempts: %d; %s%n", outcome.attempts(), outcome.guarantees());
        // what the kernel offers is used rightly, or the probe would find a way out at the start
        assertFalse(outcome.guarantees().contains(FOUND), outcome.guarantees());
        assumeTrue(outcome.attempts() > 0, "this machine keeps too little to try");
        assertEquals(List.of(), outcome.escapes());
        assertTrue(outcome.attempts() > AT_LEAST, outcome.attempts() + " attempts");
    }
}
