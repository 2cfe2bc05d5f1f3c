package org.attune.trainers.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.util.Map;

class ResumePointTest {
    /// What is compared with the checkpoint has its libtorch; everything else is the run's.
    @Test
    void aRunMayGoOnWithAnotherLibtorch() {
        var now = Map.of("libtorch", "2.15.0+cu132", "seed", "2");
        var saved = Map.of("libtorch", "2.7.1", "seed", "1");
        assertEquals(
                Map.of("libtorch", "2.7.1", "seed", "2"), ResumePoint.withLibtorchOf(saved, now));
        assertEquals(now, ResumePoint.withLibtorchOf(now, now));
        assertEquals(
                Map.of("seed", "2"),
                ResumePoint.withLibtorchOf(Map.of("seed", "1"), now),
                "a checkpoint that doesn't tell");
    }
}
