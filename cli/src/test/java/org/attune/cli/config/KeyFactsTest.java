package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.List;

class KeyFactsTest {
    private final KeyTable table = KeyTable.load();

    private Key key(Method method, String name) {
        return table.find(method, name).orElseThrow();
    }

    @Test
    void acceptedValuesAreThoseOfTheRecords() {
        KeyFacts grpo = KeyFacts.of(Method.GRPO);
        assertEquals("a number in (0, 1]", grpo.accepted(key(Method.GRPO, "top_p")));
        assertEquals("a whole number >= 1", grpo.accepted(key(Method.GRPO, "lora_r")));
        assertEquals(
                "token, sequence", grpo.accepted(key(Method.GRPO, "importance_sampling_level")));
        assertEquals("true or false", grpo.accepted(key(Method.GRPO, "use_peft")));
        assertEquals("true or false", grpo.accepted(key(Method.GRPO, "bf16")));
        assertEquals("a size, such as 8GiB", grpo.accepted(key(Method.GRPO, "max_memory")));
        assertEquals("names with values", grpo.accepted(key(Method.GRPO, "generation_kwargs")));
        assertEquals("true, false or a path", grpo.accepted(key(Method.GRPO, "resume")));
        KeyFacts dpo = KeyFacts.of(Method.DPO);
        assertEquals("one or more: a number", dpo.accepted(key(Method.DPO, "loss_weights")));
    }

    @Test
    void defaultsAreOurs() {
        KeyFacts sft = KeyFacts.of(Method.SFT);
        assertEquals("auto", sft.standard(key(Method.SFT, "dtype")));
        assertEquals("required", sft.standard(key(Method.SFT, "datasets")));
        assertEquals("unset", sft.standard(key(Method.SFT, "max_memory")));
        assertEquals("1024", sft.standard(key(Method.SFT, "max_length")));
    }

    @Test
    void choicesAreListed() {
        KeyFacts grpo = KeyFacts.of(Method.GRPO);
        assertEquals(List.of("true", "false"), grpo.choices(key(Method.GRPO, "log_completions")));
        assertEquals(
                List.of("token", "sequence"),
                grpo.choices(key(Method.GRPO, "importance_sampling_level")));
        assertEquals(List.of(), grpo.choices(key(Method.GRPO, "learning_rate")));
    }

    @ParameterizedTest
    @EnumSource
    void everyKeyHasAMeaningADefaultAndWhatItAccepts(Method method) {
        KeyFacts facts = KeyFacts.of(method);
        for (Key key : table.of(method)) {
            assertFalse(key.note().isBlank(), key.name() + " of " + method + " has no meaning");
            assertFalse(facts.standard(key).isBlank(), key.name());
            assertFalse(facts.accepted(key).isBlank(), key.name());
        }
    }
}
