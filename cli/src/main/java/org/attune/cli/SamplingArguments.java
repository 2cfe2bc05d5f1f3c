package org.attune.cli;

import org.attune.model.config.GenerationDefaults;
import org.attune.models.ModelSetup;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;

import picocli.CommandLine.Option;

import java.util.List;

/// Options of sampling; what is not given follows the model's own recommendation.
final class SamplingArguments {
    @Option(
            names = {"-n", "--max-new-tokens"},
            defaultValue = "256",
            description = "Most tokens to generate (default: ${DEFAULT-VALUE}).")
    int maxNewTokens;

    @Option(
            names = {"-t", "--temperature"},
            description = "0 takes the likeliest token (default: the model's, else 0).")
    Double temperature;

    @Option(names = "--top-k", description = "Choose among so many (default: the model's).")
    Integer topK;

    @Option(names = "--top-p", description = "Choose within this share (default: the model's).")
    Double topP;

    @Option(
            names = "--min-p",
            defaultValue = "0",
            description = "Least share of the likeliest token's probability (default: 0).")
    double minP;

    @Option(
            names = "--repetition-penalty",
            description = "Divisor for tokens seen before (default: the model's, else 1).")
    Double repetitionPenalty;

    @Option(names = "--stop", paramLabel = "TEXT", description = "Stop at this text; repeatable.")
    List<String> stops = List.of();

    @Option(names = "--seed", defaultValue = "42", description = "Default: ${DEFAULT-VALUE}.")
    long seed;

    SamplingConfig config(ModelSetup model) {
        return SamplingConfig.of(
                        distribution(model.source().generation()),
                        maxNewTokens,
                        TextCompleter.stopIds(model.source(), model.text().tokenizer()),
                        seed)
                .withStopStrings(stops);
    }

    private Distribution distribution(GenerationDefaults recommended) {
        boolean samples = recommended.doSample();
        double t =
                temperature != null
                        ? temperature
                        : samples ? recommended.temperature().orElse(1) : 0;
        int k = topK != null ? topK : samples ? recommended.topK().orElse(0) : 0;
        double p = topP != null ? topP : samples ? recommended.topP().orElse(1) : 1;
        double penalty =
                repetitionPenalty != null
                        ? repetitionPenalty
                        : recommended.repetitionPenalty().orElse(1);
        return Distribution.plain()
                .withTemperature(t)
                .withTopK(k)
                .withTopP(p)
                .withMinP(minP)
                .withRepetitionPenalty(penalty);
    }
}
