package org.attune.cli.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.optim.AdamW;
import org.attune.serve.ApiException;
import org.attune.serve.Fields;
import org.attune.trainers.service.AdapterTraining.Loss;
import org.attune.trainers.service.AdapterTraining.Update;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/// Which loss and which update a request asks for, and what holds where it names no settings.
class TinkerRequestsTest {
    private static Loss loss(String name, Map<String, Double> settings) {
        return new TinkerBatch("run", OptionalLong.empty(), name, settings, true, List.of(), 0)
                .objective();
    }

    @Test
    void lossesHaveTheirDefaults() {
        assertEquals(new Loss.CrossEntropy(), loss("cross_entropy", Map.of()));
        assertEquals(new Loss.ImportanceSampling(), loss("importance_sampling", Map.of()));
        assertEquals(new Loss.Ppo(0.8, 1.2), loss("ppo", Map.of()));
        assertEquals(new Loss.Cispo(0.8, 1.2), loss("cispo", Map.of()));
        assertEquals(new Loss.Dro(0.05), loss("dro", Map.of()));
    }

    @Test
    void settingsAreObeyedOrRefused() {
        Map<String, Double> clips = Map.of("clip_low_threshold", 0.5, "clip_high_threshold", 3.0);
        assertEquals(new Loss.Ppo(0.5, 3), loss("ppo", clips));
        assertEquals(new Loss.Cispo(0.5, 3), loss("cispo", clips));
        assertEquals(new Loss.Dro(2), loss("dro", Map.of("beta", 2.0)));
        refused("ppo", "clip_low_threshold", 1.5);
        refused("ppo", "clip_high_threshold", 0.9);
        refused("cispo", "beta", 0.1);
        refused("dro", "beta", -1);
        refused("cross_entropy", "clip_low_threshold", 0.5);
        refused("reinforce", "beta", 0.1);
    }

    @Test
    void updatesHaveTheirDefaults() {
        assertEquals(
                new Update(1e-4, new AdamW(0.9, 0.95, 1e-12, false), 0, 0),
                TinkerTrainings.update(Fields.of(Map.of())));
        Map<String, Object> all =
                Map.of(
                        "learning_rate",
                        0.5,
                        "beta1",
                        0.1,
                        "beta2",
                        0.2,
                        "eps",
                        0.3,
                        "weight_decay",
                        0.4,
                        "grad_clip_norm",
                        2.0);
        assertEquals(
                new Update(0.5, new AdamW(0.1, 0.2, 0.3, false), 0.4, 2),
                TinkerTrainings.update(Fields.of(all)));
        assertThrows(
                ApiException.class, () -> TinkerTrainings.update(Fields.of(Map.of("beta2", 1.0))));
    }

    private static void refused(String loss, String key, double value) {
        var e = assertThrows(ApiException.class, () -> loss(loss, Map.of(key, value)));
        assertTrue(e.getMessage().contains("accepted: "), e.getMessage());
    }
}
