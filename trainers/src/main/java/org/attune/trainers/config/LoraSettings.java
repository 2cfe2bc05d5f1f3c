package org.attune.trainers.config;

import jakarta.validation.constraints.NotBlank;

import java.util.List;
import java.util.Map;

/// Low-rank adapters. Defaults are those of TRL's `ModelConfig`: full fine-tuning unless
/// `use_peft` is set or an adapter to start from is given.
///
/// @param usePeft train a LoRA adapter; otherwise the whole model
/// @param loraR rank r
/// @param loraAlpha α; the update is scaled by α/r (rsLoRA: α/√r)
/// @param loraDropout probability that an input of the adapter is dropped
/// @param loraTargetModules names or suffixes of linear layers; one entry may be `all-linear`
///     or a regular expression. Empty: PEFT's choice for the family (`q_proj`, `v_proj`)
/// @param loraModulesToSave modules trained in full and saved with the adapter
/// @param useRslora rank-stabilised scaling, [Kalajdzievski
///     2023](https://arxiv.org/abs/2312.03732)
/// @param loraRankPattern PEFT's `rank_pattern`: other ranks for some modules
/// @param loraAlphaPattern PEFT's `alpha_pattern`: other α for some modules
public record LoraSettings(
        boolean usePeft,
        @InRange(min = 1) int loraR,
        @InRange(min = 0, minOpen = true) double loraAlpha,
        @InRange(min = 0, max = 1, maxOpen = true) double loraDropout,
        List<@NotBlank(message = "module names") String> loraTargetModules,
        List<@NotBlank(message = "module names") String> loraModulesToSave,
        boolean useRslora,
        Map<String, Integer> loraRankPattern,
        Map<String, Double> loraAlphaPattern) {
    public LoraSettings {
        loraTargetModules = List.copyOf(loraTargetModules);
        loraModulesToSave = List.copyOf(loraModulesToSave);
        loraRankPattern = Map.copyOf(loraRankPattern);
        loraAlphaPattern = Map.copyOf(loraAlphaPattern);
    }

    /// The defaults, as listed at the parameters.
    public static LoraSettings defaults() {
        return new LoraSettings(
                false, 16, 32, 0.05, List.of(), List.of(), false, Map.of(), Map.of());
    }

    /// LoRA on every linear layer of the blocks.
    public static LoraSettings allLinear(int rank, double alpha) {
        return defaults()
                .withUsePeft(true)
                .withLoraR(rank)
                .withLoraAlpha(alpha)
                .withLoraTargetModules(List.of("all-linear"));
    }

    public LoraSettings withUsePeft(boolean usePeft) {
        return new LoraSettings(
                usePeft,
                loraR,
                loraAlpha,
                loraDropout,
                loraTargetModules,
                loraModulesToSave,
                useRslora,
                loraRankPattern,
                loraAlphaPattern);
    }

    public LoraSettings withLoraR(int loraR) {
        return new LoraSettings(
                usePeft,
                loraR,
                loraAlpha,
                loraDropout,
                loraTargetModules,
                loraModulesToSave,
                useRslora,
                loraRankPattern,
                loraAlphaPattern);
    }

    public LoraSettings withLoraAlpha(double loraAlpha) {
        return new LoraSettings(
                usePeft,
                loraR,
                loraAlpha,
                loraDropout,
                loraTargetModules,
                loraModulesToSave,
                useRslora,
                loraRankPattern,
                loraAlphaPattern);
    }

    public LoraSettings withLoraDropout(double loraDropout) {
        return new LoraSettings(
                usePeft,
                loraR,
                loraAlpha,
                loraDropout,
                loraTargetModules,
                loraModulesToSave,
                useRslora,
                loraRankPattern,
                loraAlphaPattern);
    }

    public LoraSettings withLoraTargetModules(List<String> loraTargetModules) {
        return new LoraSettings(
                usePeft,
                loraR,
                loraAlpha,
                loraDropout,
                loraTargetModules,
                loraModulesToSave,
                useRslora,
                loraRankPattern,
                loraAlphaPattern);
    }

    public LoraSettings withLoraModulesToSave(List<String> loraModulesToSave) {
        return new LoraSettings(
                usePeft,
                loraR,
                loraAlpha,
                loraDropout,
                loraTargetModules,
                loraModulesToSave,
                useRslora,
                loraRankPattern,
                loraAlphaPattern);
    }

    public LoraSettings withUseRslora(boolean useRslora) {
        return new LoraSettings(
                usePeft,
                loraR,
                loraAlpha,
                loraDropout,
                loraTargetModules,
                loraModulesToSave,
                useRslora,
                loraRankPattern,
                loraAlphaPattern);
    }

    public LoraSettings withLoraRankPattern(Map<String, Integer> loraRankPattern) {
        return new LoraSettings(
                usePeft,
                loraR,
                loraAlpha,
                loraDropout,
                loraTargetModules,
                loraModulesToSave,
                useRslora,
                loraRankPattern,
                loraAlphaPattern);
    }

    public LoraSettings withLoraAlphaPattern(Map<String, Double> loraAlphaPattern) {
        return new LoraSettings(
                usePeft,
                loraR,
                loraAlpha,
                loraDropout,
                loraTargetModules,
                loraModulesToSave,
                useRslora,
                loraRankPattern,
                loraAlphaPattern);
    }
}
