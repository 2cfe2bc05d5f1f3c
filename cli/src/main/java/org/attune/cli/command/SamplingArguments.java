package org.attune.cli.command;

import org.attune.models.GenerationOptions;
import org.attune.models.ModelSetup;
import org.attune.rollout.sampling.SamplingConfig;

import picocli.CommandLine.Option;

import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// Options of sampling; what is not given follows the model's own recommendation.
public final class SamplingArguments {
    @Option(
            names = {"-n", "--max-new-tokens"},
            defaultValue = "256",
            description = "Most tokens to generate (default: ${DEFAULT-VALUE}).")
    int maxNewTokens;

    @Option(
            names = {"-t", "--temperature"},
            description = "0 takes the likeliest token (default: the model's, else 0).")
    public Double temperature;

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
    public long seed;

    public SamplingConfig config(ModelSetup model) {
        return options().of(model);
    }

    public GenerationOptions options() {
        return new GenerationOptions(
                maxNewTokens,
                number(temperature),
                topK == null ? OptionalInt.empty() : OptionalInt.of(topK),
                number(topP),
                minP,
                number(repetitionPenalty),
                stops,
                seed);
    }

    private static OptionalDouble number(Double given) {
        return given == null ? OptionalDouble.empty() : OptionalDouble.of(given);
    }
}
