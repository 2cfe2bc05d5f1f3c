package org.attune.cli;

import org.attune.model.GenerationConfig;
import org.attune.rollout.SamplingOptions;

import picocli.CommandLine.Option;

/// How tokens are chosen; what is not given follows the model's own recommendation.
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

    @Option(names = "--seed", defaultValue = "42", description = "Default: ${DEFAULT-VALUE}.")
    long seed;

    SamplingOptions options(GenerationConfig recommended) {
        boolean samples = recommended.doSample();
        double t =
                temperature != null
                        ? temperature
                        : samples ? recommended.temperature().orElse(1) : 0;
        int k = topK != null ? topK : samples ? recommended.topK().orElse(0) : 0;
        double p = topP != null ? topP : samples ? recommended.topP().orElse(1) : 1;
        return new SamplingOptions(t, k, p, maxNewTokens, seed);
    }
}
