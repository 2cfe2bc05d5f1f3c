package org.attune.model.config;

import org.attune.files.JsonFields;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// What a model's `generation_config.json` recommends.
///
/// @param eosIds            ids that end a completion; empty if the file names none
/// @param doSample          whether to sample rather than take the likeliest token
/// @param temperature       divisor of logits
/// @param topP              share of probability kept
/// @param topK              number of tokens kept
/// @param repetitionPenalty divisor of logits of tokens seen before
public record GenerationDefaults(
        List<Integer> eosIds,
        boolean doSample,
        OptionalDouble temperature,
        OptionalDouble topP,
        OptionalInt topK,
        OptionalDouble repetitionPenalty) {
    public GenerationDefaults {
        eosIds = List.copyOf(eosIds);
    }

    /// A configuration that recommends nothing.
    public static GenerationDefaults none() {
        return new GenerationDefaults(
                List.of(),
                false,
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalInt.empty(),
                OptionalDouble.empty());
    }

    /// The configuration of a model folder; [#none] if it has no such file.
    ///
    /// @throws org.attune.error.ModelException if the file is damaged
    public static GenerationDefaults read(Path folder) {
        Path file = folder.resolve("generation_config.json");
        if (!Files.exists(file)) {
            return none();
        }
        JsonFields json = JsonFields.read(file);
        return new GenerationDefaults(
                json.integers("eos_token_id"),
                json.flag("do_sample", false),
                number(json, "temperature"),
                number(json, "top_p"),
                json.optionalInteger("top_k"),
                number(json, "repetition_penalty"));
    }

    private static OptionalDouble number(JsonFields json, String key) {
        return json.has(key) ? OptionalDouble.of(json.number(key)) : OptionalDouble.empty();
    }
}
