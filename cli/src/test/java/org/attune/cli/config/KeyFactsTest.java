package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.attune.trainers.grpo.GrpoMethod;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.preference.DpoMethod;
import org.attune.trainers.sft.SftMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.List;

class KeyFactsTest {
    private final KeyTable table = KeyTable.load();

    private Key key(TrainingMethod<?, ?> method, String name) {
        return table.find(method, name).orElseThrow();
    }

    @Test
    void acceptedValuesAreThoseOfTheRecords() {
        KeyFacts grpo = KeyFacts.of(new GrpoMethod());
        assertEquals("a number in (0, 1]", grpo.accepted(key(new GrpoMethod(), "top_p")));
        assertEquals("a whole number >= 1", grpo.accepted(key(new GrpoMethod(), "lora_r")));
        assertEquals(
                "token, sequence, sequence_token",
                grpo.accepted(key(new GrpoMethod(), "importance_sampling_level")));
        assertEquals("true or false", grpo.accepted(key(new GrpoMethod(), "use_peft")));
        assertEquals("true or false", grpo.accepted(key(new GrpoMethod(), "bf16")));
        assertEquals("a size, such as 8GiB", grpo.accepted(key(new GrpoMethod(), "max_memory")));
        assertEquals(
                "names with values", grpo.accepted(key(new GrpoMethod(), "generation_kwargs")));
        assertEquals("true, false or a path", grpo.accepted(key(new GrpoMethod(), "resume")));
        KeyFacts dpo = KeyFacts.of(new DpoMethod());
        assertEquals("one or more: a number", dpo.accepted(key(new DpoMethod(), "loss_weights")));
    }

    @Test
    void defaultsAreOurs() {
        KeyFacts sft = KeyFacts.of(new SftMethod());
        assertEquals("auto", sft.standard(key(new SftMethod(), "dtype")));
        assertEquals("required", sft.standard(key(new SftMethod(), "datasets")));
        assertEquals("unset", sft.standard(key(new SftMethod(), "max_memory")));
        assertEquals("1024", sft.standard(key(new SftMethod(), "max_length")));
    }

    @Test
    void choicesAreListed() {
        KeyFacts grpo = KeyFacts.of(new GrpoMethod());
        assertEquals(
                List.of("true", "false"), grpo.choices(key(new GrpoMethod(), "log_completions")));
        assertEquals(
                List.of("token", "sequence", "sequence_token"),
                grpo.choices(key(new GrpoMethod(), "importance_sampling_level")));
        assertEquals(List.of(), grpo.choices(key(new GrpoMethod(), "learning_rate")));
    }

    @ParameterizedTest
    @MethodSource("org.attune.trainers.run.Methods#all")
    void everyKeyHasAMeaningADefaultAndWhatItAccepts(TrainingMethod<?, ?> method) {
        KeyFacts facts = KeyFacts.of(method);
        for (Key key : table.of(method)) {
            assertFalse(key.note().isBlank(), key.name() + " of " + method + " has no meaning");
            assertFalse(facts.standard(key).isBlank(), key.name());
            assertFalse(facts.accepted(key).isBlank(), key.name());
        }
    }
}
