package org.attune.adapter;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.PermutationSampler;
import org.attune.error.ConfigException;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// Options of LoRA that few adapters have, by PEFT's names.
///
/// @param biases `bias`: biases of the base model that are trained too
/// @param updateBias `lora_bias`: updates have a bias, `W' x + s (B A x + b)`
/// @param tokens `trainable_token_indices`: end of a module's path → tokens whose rows are trained;
///     [#EMBEDDING] is the model's embedding, whatever its name
/// @param parameters `target_parameters`: ends of names of parameters that hold all experts
/// @param iterations the `N` of `init_lora_weights: pissa_niter_N`, after which singular directions
///     are taken as they are; 0: exact ones
/// @param eva `eva_config`, for `init_lora_weights: eva`
/// @param loraGa `lora_ga_config`, for `init_lora_weights: lora_ga`
/// @param loftqBits `loftq_bits` of `loftq_config`, for `init_lora_weights: loftq`: 4 or 8, and 0
///     where the base decides
/// @param replication `layer_replication`: ranges `[start, end)` of the base model's blocks, which
///     stand one behind the other in the adapted model; empty: its blocks as they are
public record LoraOptions(
        Biases biases,
        boolean updateBias,
        Map<String, List<Integer>> tokens,
        List<String> parameters,
        int iterations,
        Eva eva,
        LoraGa loraGa,
        int loftqBits,
        List<List<Integer>> replication) {
    /// No option.
    public static final LoraOptions NONE =
            new LoraOptions(
                    Biases.NONE,
                    false,
                    Map.of(),
                    List.of(),
                    0,
                    new Eva(2, 0.99, false, true),
                    new LoraGa(LoraGa.Direction.ARB2R, LoraGa.Scale.STABLE, 16),
                    0,
                    List.of());

    /// Stands in [#tokens] for the model's embedding.
    static final String EMBEDDING = "";

    /// Biases of the base model that are trained beside an adapter.
    public enum Biases {
        /// `none`.
        NONE,
        /// `lora_only`: those of modules with an adapter.
        ADAPTED,
        /// `all`: those of linear modules and norms.
        ALL;

        /// PEFT's name.
        public String peftName() {
            return switch (this) {
                case NONE -> "none";
                case ADAPTED -> "lora_only";
                case ALL -> "all";
            };
        }
    }

    /// How directions of inputs are found and ranks given ([LoraInitialisation#EVA]).
    ///
    /// @param rho a module gets at most as many times its rank, ≥ 1
    /// @param tau cosine of the angle to a direction of the batch before at which it has converged,
    ///     in [0, 1]
    /// @param whiten whether directions are divided by the roots of their singular values
    /// @param adjusts `adjust_scaling_factors`: α changes with the rank
    public record Eva(double rho, double tau, boolean whiten, boolean adjusts) {
        /// @throws ConfigException if a number is outside its range
        public Eva {
            if (!(rho >= 1 && rho <= 1000) || !(tau >= 0 && tau <= 1)) {
                throw new ConfigException(
                        "eva_config has rho %s and tau %s; accepted: rho in [1, 1000], tau in [0, 1]"
                                .formatted(rho, tau));
            }
        }
    }

    /// Which directions of a gradient the matrices get, and how large they are
    /// ([LoraInitialisation#LORA_GA]).
    ///
    /// @param gamma `stable_gamma`, > 0
    public record LoraGa(Direction direction, Scale scale, double gamma) {
        /// @throws ConfigException if γ is outside its range
        public LoraGa {
            if (!(gamma > 0) || Double.isInfinite(gamma)) {
                throw new ConfigException(
                        "lora_ga_config has stable_gamma %s; accepted: a number > 0"
                                .formatted(gamma));
            }
        }

        /// Which of `2r` directions are whose.
        public enum Direction {
            /// B has the even ones, A the odd ones.
            ARBR,
            /// B has the first half, A the second.
            A2RBR,
            /// A has the first half, B the second.
            ARB2R,
            /// Both have the same ones, drawn.
            RANDOM;

            /// The directions of B.
            public int[] left(int r, UniformRandomProvider random) {
                return switch (this) {
                    case ARBR -> IntStream.range(0, r).map(k -> 2 * k).toArray();
                    case A2RBR -> IntStream.range(0, r).toArray();
                    case ARB2R -> IntStream.range(r, 2 * r).toArray();
                    case RANDOM -> {
                        int[] all = IntStream.range(0, 2 * r).toArray();
                        PermutationSampler.shuffle(random, all);
                        yield Arrays.copyOf(all, r);
                    }
                };
            }

            /// The directions of A.
            ///
            /// @param left those of B
            public int[] right(int r, int[] left) {
                return switch (this) {
                    case ARBR -> IntStream.range(0, r).map(k -> 2 * k + 1).toArray();
                    case A2RBR -> IntStream.range(r, 2 * r).toArray();
                    case ARB2R -> IntStream.range(0, r).toArray();
                    case RANDOM -> left.clone();
                };
            }
        }

        /// What the matrices are multiplied by.
        public enum Scale {
            /// B by ∜out / √γ.
            STABLE,
            /// B so that its first direction is as long as the weight's.
            WEIGHT_SVD,
            /// Both by the inverse of the adapter's scaling.
            GD_SCALE,
            /// Nothing.
            UNIT
        }
    }

    /// @throws ConfigException if a token stands twice or is negative, or a range has no blocks
    public LoraOptions {
        replication = replication.stream().map(List::copyOf).toList();
        replication.forEach(LoraOptions::requireRange);
        tokens = Collections.unmodifiableMap(new TreeMap<>(tokens));
        parameters = List.copyOf(parameters);
        tokens.forEach(LoraOptions::requireTokens);
    }

    private static void requireRange(List<Integer> range) {
        if (range.size() != 2 || range.get(0) < 0 || range.get(0) >= range.get(1)) {
            throw new ConfigException(
                    "layer_replication has %s; accepted: pairs [start, end] with 0 <= start < end"
                            .formatted(range));
        }
    }

    /// @throws ConfigException if a token stands twice or is negative, or there is none
    static void requireTokens(String module, List<Integer> indices) {
        String key = module.isEmpty() ? "" : " of " + module;
        if (indices.isEmpty()) {
            throw new ConfigException(
                    "trainable_token_indices%s is []; accepted: ids of tokens".formatted(key));
        }
        var seen = new HashSet<Integer>();
        for (int index : indices) {
            if (index < 0 || !seen.add(index)) {
                throw new ConfigException(
                        "trainable_token_indices%s has %d%s; accepted: ids of tokens, each once"
                                .formatted(key, index, index < 0 ? "" : " twice"));
            }
        }
    }

    /// @throws ConfigException if PEFT has no such combination, or can't write it as plain LoRA
    void requireFit(LoraInitialisation initialisation, boolean decomposed, double dropout) {
        boolean orthogonal = initialisation == LoraInitialisation.ORTHOGONAL;
        if (initialisation.takesFromBase()
                || orthogonal
                || initialisation.readsRows()
                || initialisation.mendsBase()) {
            requirePlain(initialisation, decomposed && dropout != 0);
        }
        if (initialisation == LoraInitialisation.LORA_GA && decomposed) {
            throw new ConfigException(
                    "init_lora_weights \"lora_ga\" beside use_dora: true; accepted without it");
        }
        if (updateBias && decomposed) {
            throw new ConfigException(
                    "lora_bias is true beside use_dora: true; accepted with use_dora: false");
        }
        if (!replication.isEmpty() && biases != Biases.NONE) {
            throw new ConfigException(
                    "layer_replication beside bias: \"%s\"; accepted with bias: none: PEFT's copies"
                                    .formatted(biases.peftName())
                            + " of a layer have one bias, and its files hold one for each");
        }
        if (parameters.isEmpty()) {
            return;
        }
        unlikeParameters(decomposed, dropout)
                .ifPresent(
                        other -> {
                            throw new ConfigException(
                                    "target_parameters %s beside %s; accepted without it"
                                            .formatted(parameters, other));
                        });
    }

    /// What parameters that hold all experts can't have.
    Optional<String> unlikeParameters(boolean decomposed, double dropout) {
        if (!decomposed && !updateBias && dropout == 0) {
            return Optional.empty();
        }
        return Optional.of(
                decomposed
                        ? "use_dora: true"
                        : updateBias ? "lora_bias: true" : "lora_dropout: " + dropout);
    }

    private void requirePlain(LoraInitialisation initialisation, boolean drops) {
        Optional<String> other =
                !parameters.isEmpty()
                        ? Optional.of("target_parameters: " + parameters)
                        : updateBias && initialisation.takesFromBase()
                                ? Optional.of("lora_bias: true")
                                : drops && initialisation.takesFromBase()
                                        ? Optional.of("use_dora: true with a lora_dropout")
                                        : Optional.empty();
        if (other.isPresent()) {
            throw new ConfigException(
                    "init_lora_weights \"%s\" beside %s; accepted without it"
                            .formatted(
                                    initialisation.name().toLowerCase(Locale.ROOT), other.get()));
        }
    }
}
