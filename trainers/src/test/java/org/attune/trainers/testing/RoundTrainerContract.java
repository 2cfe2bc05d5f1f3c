package org.attune.trainers.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.testing.ContractRun.End;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/// What every method keeps to that has completions written in rounds.
///
/// @param <R> a row
public interface RoundTrainerContract<R> extends TrainerContract<R> {
    private ContractRun<R> run(Path output) {
        return new ContractRun<>(trainerCase(), output);
    }

    @Test
    default void runsRepeatToTheBit(@TempDir Path folder) {
        End first = run(folder.resolve("first")).end();
        End second = run(folder.resolve("second")).end();
        assertArrayEquals(first.weights(), second.weights(), 0);
        assertEquals(first.told().logs, second.told().logs);
    }

    /// The writer heeds the stop itself, or leaves that to the trainer.
    @Test
    default void stoppedWhileARoundIsWrittenItIsWrittenAgain(@TempDir Path folder) {
        End whole = run(folder.resolve("whole")).end();
        for (boolean heeds : new boolean[] {true, false}) {
            Path parts = folder.resolve("heeds " + heeds);
            var stop = new StopSignal();
            End first =
                    run(parts)
                            .writing(source -> new StoppingRollouts(source, stop, 2, heeds))
                            .stopping(stop)
                            .end();
            assertTrue(first.told().summary.steps() < ContractRun.STEPS);
            whole.assertJoined(first, run(parts).resumed().end());
        }
    }
}
