package org.attune.trainers.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.ranks.SingleProcess;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

class RunLogTest {
    @Test
    void saysHowFastStepsWereSinceTheLastLog() {
        List<Map<String, Object>> logged = new ArrayList<>();
        RunLog log =
                new RunLog(
                        List.of(
                                new TrainingListener() {
                                    @Override
                                    public void onLog(int step, Map<String, Object> metrics) {
                                        logged.add(metrics);
                                    }
                                }),
                        new SingleProcess());
        log.count(new StepReport(1.0, List.of(), 30));
        log.count(new StepReport(3.0, List.of(), 50));
        log.step(2, 1.0, 0.1, 0.5, 4.0);
        log.count(new StepReport(2.0, List.of(), 90));
        log.step(3, 1.0, 0.1, 0.75, 7.0);

        assertEquals(2.0, logged.getFirst().get("loss"));
        assertEquals(20.0, logged.getFirst().get("tokens_per_second"));
        assertEquals(2.0, logged.getFirst().get("step_time"));
        assertEquals(30.0, logged.getLast().get("tokens_per_second"));
        assertEquals(3.0, logged.getLast().get("step_time"));
        assertEquals(170L, logged.getLast().get("num_tokens"));
    }
}
