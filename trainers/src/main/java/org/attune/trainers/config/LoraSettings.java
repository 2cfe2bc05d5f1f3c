package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.constraints.NotBlank;

import org.attune.api.Api;
import org.attune.records.CopyMethods;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;

/// Adapters. Defaults are those of TRL's `ModelConfig`: full fine-tuning unless
/// `use_peft` is set or an adapter to start from is given.
///
/// @param usePeft train an adapter; otherwise the whole model
/// @param loraR rank r
/// @param loraAlpha α; the update is scaled by α/r (rsLoRA: α/√r)
/// @param loraDropout probability that an input of the adapter is dropped
/// @param loraTargetModules names or suffixes of linear layers; one entry may be `all-linear`
///     or a regular expression. Empty: PEFT's choice for the family (`q_proj`, `v_proj`)
/// @param loraModulesToSave modules trained in full and saved with the adapter
/// @param useRslora rank-stabilised scaling, [Kalajdzievski
///     2023](https://arxiv.org/abs/2312.03732)
/// @param useDora trained lengths for the rows of a changed weight, [Liu et al.
///     2024](https://arxiv.org/abs/2402.09353)
/// @param peftType kind of the adapter. `lora_target_modules` and `lora_modules_to_save` concern
///     all, `lora_r` LoRA, LoHa, LoKr and HRA, `lora_alpha` and the patterns the first three
/// @param peftKwargs further fields of PEFT's configuration of the kind, for all but LoRA and IA³
/// @param feedforwardModules of an IA³ adapter: those of its modules whose input is scaled, not
///     their output. Empty: PEFT's choice for the family (`down_proj`) among the modules
/// @param loraRankPattern PEFT's `rank_pattern`: other ranks for some modules
/// @param loraAlphaPattern PEFT's `alpha_pattern`: other α for some modules
/// @param unfrozenParameters without an adapter: regular expressions that match the beginnings of
///     names of weights; only these are trained. Empty: all
/// @param spectrumTopFraction without an adapter: train this share of each kind of matrix, those
///     that stand out most from noise, with embedding and output layer. Unset: all
@Api(EXPERIMENTAL)
@CopyMethods
public record LoraSettings(
        boolean usePeft,
        @InRange(min = 1) int loraR,
        @InRange(min = 0, minOpen = true) double loraAlpha,
        @InRange(min = 0, max = 1, maxOpen = true) double loraDropout,
        List<@NotBlank(message = "module names") String> loraTargetModules,
        List<@NotBlank(message = "module names") String> loraModulesToSave,
        boolean useRslora,
        boolean useDora,
        PeftType peftType,
        Map<String, Object> peftKwargs,
        List<@NotBlank(message = "module names") String> feedforwardModules,
        Map<String, Integer> loraRankPattern,
        Map<String, Double> loraAlphaPattern,
        List<@NotBlank(message = "regular expressions") String> unfrozenParameters,
        @InRange(min = 0, minOpen = true, max = 1) OptionalDouble spectrumTopFraction)
        implements LoraSettingsCopies, CrossChecked {
    private static final String NOT_WITH_PEFT =
            "none with use_peft: true, since an adapter leaves all weights as they are;"
                    + " lora_target_modules says what it adapts";

    private static final Pattern ROWS = Pattern.compile(".*\\[\\d*:\\d*]");

    public LoraSettings {
        loraTargetModules = List.copyOf(loraTargetModules);
        loraModulesToSave = List.copyOf(loraModulesToSave);
        // in an order, since a run is told by its settings' text when it is resumed
        peftKwargs = Collections.unmodifiableMap(new TreeMap<>(peftKwargs));
        feedforwardModules = List.copyOf(feedforwardModules);
        loraRankPattern = Collections.unmodifiableMap(new TreeMap<>(loraRankPattern));
        loraAlphaPattern = Collections.unmodifiableMap(new TreeMap<>(loraAlphaPattern));
        unfrozenParameters = List.copyOf(unfrozenParameters);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        if (usePeft && !unfrozenParameters.isEmpty()) {
            return List.of(
                    new ConfigProblem("unfrozen_parameters", unfrozenParameters, NOT_WITH_PEFT));
        }
        if (usePeft && spectrumTopFraction.isPresent()) {
            return List.of(
                    new ConfigProblem(
                            "spectrum_top_fraction",
                            spectrumTopFraction.getAsDouble(),
                            NOT_WITH_PEFT));
        }
        if (spectrumTopFraction.isPresent() && !unfrozenParameters.isEmpty()) {
            return List.of(
                    new ConfigProblem(
                            "unfrozen_parameters",
                            unfrozenParameters,
                            "none with spectrum_top_fraction, which chooses the weights"));
        }
        return unfrozenParameters.stream().flatMap(LoraSettings::unfrozenProblem).toList();
    }

    private static Stream<ConfigProblem> unfrozenProblem(String pattern) {
        if (ROWS.matcher(pattern).matches()) {
            return Stream.of(
                    new ConfigProblem(
                            "unfrozen_parameters",
                            pattern,
                            "whole weights; for rows of tokens use an adapter with"
                                    + " peft_kwargs: {trainable_token_indices: …}"));
        }
        try {
            Pattern.compile(pattern);
            return Stream.empty();
        } catch (PatternSyntaxException e) {
            return Stream.of(
                    new ConfigProblem(
                            "unfrozen_parameters",
                            pattern,
                            "regular expressions (" + e.getDescription() + ")"));
        }
    }

    /// Whether a fresh adapter begins as part of what a base in few bits has lost, so that the run
    /// starts elsewhere than at its base.
    public boolean mendsBase() {
        return usePeft && "loftq".equals(peftKwargs.get("init_lora_weights"));
    }

    /// The defaults, as listed at the parameters.
    public static LoraSettings defaults() {
        return LoraSettingsCopies.blank()
                .withLoraR(16)
                .withLoraAlpha(32)
                .withLoraDropout(0.05)
                .withPeftType(PeftType.LORA);
    }

    /// LoRA on every linear layer of the blocks.
    public static LoraSettings allLinear(int rank, double alpha) {
        return defaults()
                .withUsePeft(true)
                .withLoraR(rank)
                .withLoraAlpha(alpha)
                .withLoraTargetModules(List.of("all-linear"));
    }
}
