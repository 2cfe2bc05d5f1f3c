package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.loop.ProcessMemory;
import org.attune.trainers.loop.RunSummary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

class SummaryFileTest {
    @TempDir Path folder;

    @Test
    void hasTheAgreedFields() throws IOException {
        new SummaryFile(folder)
                .onEnd(
                        new RunSummary(
                                12,
                                false,
                                Optional.of(
                                        new RunSummary.Heldout(
                                                "eval_loss",
                                                30,
                                                OptionalDouble.of(2.5),
                                                OptionalDouble.empty())),
                                Map.of("train", 3.5),
                                99.5,
                                1 << 20));
        assertEquals(
                """
                {
                  "heldout" : {
                    "metric" : "eval_loss",
                    "n" : 30,
                    "before" : 2.5,
                    "after" : null
                  },
                  "steps" : 12,
                  "interrupted" : false,
                  "seconds" : {
                    "train" : 3.5
                  },
                  "tokens_per_second" : 99.5,
                  "peak_memory_bytes" : 1048576
                }
                """,
                Files.readString(folder.resolve("summary.json")));
    }

    @Test
    void peakIsAtLeastWhatIsResident() {
        assertTrue(ProcessMemory.peakBytes() >= ProcessMemory.residentBytes() / 2);
    }
}
