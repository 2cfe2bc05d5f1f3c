package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;

class RunProgramsTest {
    private static void assertBeyond(boolean expected, String key, Object value) {
        List<String> keys = expected ? List.of(key) : List.of();
        assertEquals(keys, RunPrograms.beyondBuiltIn(Map.of(key, value)), value::toString);
    }

    @Test
    void onlyBuiltInRewardsAreKnownToStartNothing() {
        assertBeyond(false, "reward_funcs", List.of("exact_answer"));
        assertBeyond(false, "reward_funcs", List.of(Map.of("name", "exact_answer", "weight", 2)));
        assertBeyond(false, "tools", List.of());
        assertBeyond(false, "environments", Map.of());
        assertBeyond(false, "model_name_or_path", "org/name");
        assertBeyond(true, "reward_funcs", List.of("exact_answer", "out/judge"));
        assertBeyond(true, "reward_funcs", List.of(Map.of("name", "exact_answer", "url", "x")));
        assertBeyond(true, "reward_funcs", "exact_answer");
        assertBeyond(true, "tools", List.of("calculator"));
        assertBeyond(true, "agent", Map.of("command", List.of("sh")));
    }

    @Test
    void namesOfModelsAreNoPrograms() {
        assertEquals(Optional.empty(), RunPrograms.named("reward_funcs", List.of("out/judge")));
        assertEquals(Optional.empty(), RunPrograms.named("tools", List.of("calculator")));
        assertEquals(Optional.empty(), RunPrograms.named("system_prompt", "a.b"));
        assertEquals(Optional.of("a.b"), RunPrograms.named("reward_funcs", List.of("json", "a.b")));
    }
}
