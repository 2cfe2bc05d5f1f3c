package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.constraints.NotBlank;

import org.attune.api.Api;
import org.attune.optim.FlatOptimizer;
import org.attune.records.CopyMethods;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
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
/// @param lisaNLayers without an adapter: of the blocks only so many learn at a time, with what is
///     beside the blocks, by LISA ([Pan et al. 2024](https://arxiv.org/abs/2403.17919)). Unset: all
/// @param lisaStepInterval updates after which these blocks are drawn anew
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
        @InRange(min = 0, minOpen = true, max = 1) OptionalDouble spectrumTopFraction,
        @InRange(min = 1) OptionalInt lisaNLayers,
        @InRange(min = 1) int lisaStepInterval)
        implements LoraSettingsCopies, CrossChecked {
    private static final String NOT_WITH_PEFT =
            "none with use_peft: true, since an adapter leaves all weights as they are;"
                    + " lora_target_modules says what it adapts";

    private static final int LISA_STEP_INTERVAL = 20;

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
        if (lisaNLayers.isPresent() || lisaStepInterval != LISA_STEP_INTERVAL) {
            List<ConfigProblem> lisa = lisaProblems();
            if (!lisa.isEmpty()) {
                return lisa;
            }
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

    private List<ConfigProblem> lisaProblems() {
        if (lisaNLayers.isEmpty()) {
            return List.of(
                    new ConfigProblem(
                            "lisa_step_interval",
                            lisaStepInterval,
                            "20 without lisa_n_layers, which says how many blocks learn at a"
                                    + " time"));
        }
        int blocks = lisaNLayers.getAsInt();
        if (usePeft) {
            return List.of(new ConfigProblem("lisa_n_layers", blocks, NOT_WITH_PEFT));
        }
        return choosingKey()
                .filter(key -> !key.equals("lisa_n_layers"))
                .map(
                        key ->
                                new ConfigProblem(
                                        "lisa_n_layers",
                                        blocks,
                                        "none with "
                                                + key
                                                + ", which says once what learns; leave one out"))
                .stream()
                .toList();
    }

    /// The key by which not all weights learn, without an adapter; empty: they do.
    public Optional<String> choosingKey() {
        if (!unfrozenParameters.isEmpty()) {
            return Optional.of("unfrozen_parameters");
        }
        if (spectrumTopFraction.isPresent()) {
            return Optional.of("spectrum_top_fraction");
        }
        return lisaNLayers.isPresent() ? Optional.of("lisa_n_layers") : Optional.empty();
    }

    /// What is wrong where blocks are drawn anew while a run goes on.
    List<ConfigProblem> lisaProblems(TrainingConfig training) {
        if (lisaNLayers.isEmpty()) {
            return List.of();
        }
        var problems = new ArrayList<ConfigProblem>();
        OptimizerConfig optimizer = training.optimizer();
        if (!optimizer.mayPart() || optimizer.averages()) {
            problems.add(
                    new ConfigProblem(
                            "optim",
                            ConfigNames.wireName(optimizer.optim()),
                            FlatOptimizer.ONE_BY_ONE));
        }
        if (optimizer.optimizerInBwd()) {
            problems.add(
                    new ConfigProblem(
                            "optimizer_in_bwd",
                            true,
                            "false with lisa_n_layers, which keeps few gradients as it is"));
        }
        if (training.ranks().zeroStage() > 0) {
            problems.add(
                    new ConfigProblem(
                            "zero_stage",
                            training.ranks().zeroStage(),
                            "0 with lisa_n_layers, whose runs are of one process"));
        }
        if (training.averaging().bema()) {
            problems.add(
                    new ConfigProblem(
                            "bema",
                            true,
                            "false with lisa_n_layers, since averages need the float32 numbers of"
                                    + " all blocks"));
        }
        return problems;
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
                .withPeftType(PeftType.LORA)
                .withLisaStepInterval(LISA_STEP_INTERVAL);
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
