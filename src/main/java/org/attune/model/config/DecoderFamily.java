package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.BiFunction;
import java.util.function.DoubleFunction;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;

/// One model family: what its `config.json` means where that differs from Llama's, and the values
/// of absent keys (transformers' class defaults). A family whose blocks are put together from the
/// parts that [BlockConfig] names is a row of [Families#TABLE].
///
/// @param modelType        `model_type` in `config.json`
/// @param architecture     class name that transformers gives the causal language model
/// @param reader           reads `config.json`
/// @param attentionBias    which attention projections have biases
/// @param attentionKey     says whether they have
/// @param mlpBias          whether projections of feed-forward parts have biases
/// @param qkNorm           how queries and keys are normed
/// @param gated            whether feed-forward parts have a gate
/// @param experts          which of them tokens choose, if they do
/// @param order            of a block's parts and norms
/// @param norm             kind of the norms
/// @param activation       of the feed-forward part
/// @param scores           of attention
/// @param ends             embeddings and logits
/// @param gatedAttention   whether query projections give gates too
/// @param mixers           reads what mixes tokens, where not attention alone does
/// @param usualKeys        usual names of keys that the family calls otherwise
/// @param inner            reads the width inside of feed-forward parts
/// @param window           which layers see a window only
/// @param rotation         which layers rotate otherwise
/// @param rotates          whether a model knows positions by rotating
/// @param hasExperts       whether a model has experts, of a family that may
/// @param expertsByName    whether PEFT takes names of single experts' matrices for parameters that
///     hold all experts, as of families that transformers 4 held expert by expert
/// @param names            of tensors
/// @param sinks            whether each head has a learned score beside those of its keys
/// @param latent           whether keys and values are made of one short vector
/// @param obeyed           keys that its code in transformers obeys and most others don't have
/// @param required         keys that its code in transformers doesn't read, and the only values of
///     them that agree with what it computes
/// @param ropeKeys         of the rotary embedding
/// @param dropouts         keys that ask for dropout in training
/// @param absent           values of absent keys
record DecoderFamily(
        String modelType,
        String architecture,
        BiFunction<JsonFields, DecoderFamily, DecoderConfig> reader,
        BiasRule attentionBias,
        Flag attentionKey,
        Flag mlpBias,
        QkNormRule qkNorm,
        boolean gated,
        Optional<ExpertRule> experts,
        OrderRule order,
        NormRule norm,
        ActivationRule activation,
        ScoreRule scores,
        EndRule ends,
        boolean gatedAttention,
        Optional<BiFunction<JsonFields, Integer, MixersConfig>> mixers,
        Map<String, String> usualKeys,
        ToIntFunction<JsonFields> inner,
        WindowRule window,
        RotationRule rotation,
        Predicate<JsonFields> rotates,
        Predicate<JsonFields> hasExperts,
        boolean expertsByName,
        TensorNames names,
        boolean sinks,
        boolean latent,
        List<String> obeyed,
        Map<String, Object> required,
        RopeKeys ropeKeys,
        List<String> dropouts,
        Absent absent) {

    /// The class name of a model of this family.
    String architecture(DecoderConfig config) {
        return config.scores()
                ? architecture.replaceFirst(
                        "ForCausalLM|LMHeadModel", config.scoreKind().classSuffix())
                : architecture;
    }

    /// How the files of a model call its tensors.
    TensorNames names(DecoderConfig config) {
        return order.oneNorm() && config.block().order().isParallel()
                ? names.withNorms(names.norms().getFirst())
                : names;
    }

    /// A key that is true or false.
    ///
    /// @param key    its name; empty: there is no such key
    /// @param absent what it is where it is absent
    record Flag(String key, boolean absent) {
        boolean of(JsonFields json) {
            return key.isEmpty() ? absent : json.flag(key, absent);
        }
    }

    /// Which attention projections have biases.
    enum BiasRule {
        /// No projection has a bias.
        NONE,
        /// q, k, v and output, if the key says so.
        IF_CONFIGURED,
        /// q, k and v, always.
        QKV,
        /// q, k and v, if the key says so.
        QKV_IF_CONFIGURED,
        /// q, k, v and output, unless `attention_bias` is false.
        UNLESS_CONFIGURED,
        /// q, k and v unless the key is false; output, if `attention_out_bias` says so.
        OUTPUT_APART
    }

    /// The order of a block.
    ///
    /// @param order    where no key says another one
    /// @param parallel says whether both parts read the block's input; its key is empty: none does
    /// @param oneNorm  whether both parts read one norm then
    record OrderRule(BlockOrder order, Flag parallel, boolean oneNorm) {
        BlockOrder of(JsonFields json) {
            return !parallel.key().isEmpty() && parallel.of(json) ? BlockOrder.PARALLEL : order;
        }
    }

    /// The kind of norms.
    ///
    /// @param key  of ε
    /// @param kind gives them for an ε
    record NormRule(String key, DoubleFunction<NormConfig> kind) {}

    /// How queries and keys are normed.
    ///
    /// @param kind of their norms
    /// @param flag says whether they are normed
    record QkNormRule(QkNorm kind, Flag flag) {
        QkNorm of(JsonFields json) {
            return flag.of(json) ? kind : QkNorm.NONE;
        }
    }

    /// Keys of the rotary embedding beside `rope_parameters`.
    ///
    /// @param theta base of the wavelengths
    /// @param share of a head that is rotated
    record RopeKeys(String theta, String share) {}

    /// Which layers see a window of `sliding_window` tokens only.
    enum WindowRule {
        /// No layer has a window.
        NONE,
        /// All layers have a window, unless `sliding_window` is null.
        ALL_LAYERS,
        /// Layers that `layer_types` names, or the first, the third and so on.
        ALTERNATING,
        /// Layers that `layer_types` names, or all but every `sliding_window_pattern`-th.
        PATTERN,
        /// As [#PATTERN], but for the last layer, which has none.
        PATTERN_TO_FULL,
        /// Layers that `layer_types` names, or all, unless `sliding_window` is null.
        LISTED,
        /// If `use_sliding_window`: those that `layer_types` names, or from `max_window_layers`
        /// on.
        UPPER_LAYERS,
        /// Unless `sliding_window` is null: those that `layer_types` names, or from
        /// `max_window_layers` on.
        UPPER_UNLESS_NULL,
        /// Chunks of `attention_chunk_size` tokens instead of windows: layers that `layer_types`
        /// names, or that rotate, unless it is null.
        CHUNKED
    }

    /// Which layers rotate queries and keys otherwise than the others.
    enum RotationRule {
        /// All layers rotate alike.
        ALIKE,
        /// Layers with a window have a base of the wavelengths alone: `rope_local_base_freq`, or
        /// that of `sliding_attention` in `rope_parameters`.
        WINDOWS_APART,
        /// Layers where `no_rope_layers` is 0, or every `no_rope_layer_interval`-th, rotate
        /// nothing.
        SOME_STILL,
        /// Layers with a window have the base of the others and no scaling.
        WINDOWS_UNSCALED,
        /// Layers without a window rotate nothing, unless `sliding_window` is null.
        FULL_STILL,
        /// Layers without a window rotate nothing.
        WINDOWS_ONLY
    }

    /// The activation of the feed-forward part.
    ///
    /// @param key    its key
    /// @param absent what an absent key means
    record ActivationRule(String key, String absent) {}

    /// How products of queries and keys become scores.
    ///
    /// @param scalar value of an absent `query_pre_attn_scalar`, over whose root they are divided;
    ///     empty: the key isn't obeyed, it is the length of a head
    /// @param cap value of an absent `attn_logit_softcapping`; empty: the key isn't obeyed
    /// @param unscaled whether products are scores as they are
    record ScoreRule(OptionalDouble scalar, OptionalDouble cap, boolean unscaled) {}

    /// What is done before the first block and after the last one.
    ///
    /// @param scalesEmbeddings whether embeddings are multiplied by the root of their width
    /// @param cap value of an absent `final_logit_softcapping`; empty: the key isn't obeyed
    /// @param logitScale value of an absent `logit_scale`; empty: the key isn't obeyed
    /// @param outputBias whether the output layer has a bias
    /// @param embeddingNorm whether embeddings are normed, without a weight
    record EndRule(
            boolean scalesEmbeddings,
            OptionalDouble cap,
            OptionalDouble logitScale,
            boolean outputBias,
            boolean embeddingNorm) {}

    /// Whether the key of the share of heads that is rotated is obeyed.
    boolean rotatesParts() {
        return obeyed.contains(ropeKeys.share());
    }

    /// The keys that ask for dropout in training, in words.
    String dropoutWords() {
        return dropouts.size() == 1
                ? dropouts.getFirst()
                : "the largest of %s and %s%s"
                        .formatted(
                                String.join(", ", dropouts.subList(0, dropouts.size() - 1)),
                                dropouts.getLast(),
                                absent.dropout() == 0
                                        ? ""
                                        : " (%s where absent)".formatted(absent.dropout()));
    }

    /// Whether the factors of Granite are obeyed: `embedding_multiplier`, `attention_multiplier`,
    /// `residual_multiplier` and `logits_scaling`.
    boolean multiplies() {
        return obeyed.contains("residual_multiplier");
    }

    /// Values of absent keys.
    ///
    /// @param window       `sliding_window`; 0 is none
    /// @param pattern      `sliding_window_pattern`
    /// @param epsilon      of norms
    /// @param share        `partial_rotary_factor`
    /// @param dropout      of absent keys that ask for dropout
    /// @param pairs        what is rotated together, which no key says
    /// @param kvHeads      `num_key_value_heads`; empty is as many as heads
    /// @param headDim      `head_dim`; empty is hidden size / heads
    /// @param maxPositions `max_position_embeddings`
    /// @param bos          `bos_token_id`
    /// @param eos          `eos_token_id`
    /// @param pad          `pad_token_id`
    /// @param tied         `tie_word_embeddings`
    /// @param theta        `rope_theta`
    /// @param scaling      of the frequencies
    /// @param sections     `mrope_section`; empty: tokens have one position
    record Absent(
            int window,
            int pattern,
            double epsilon,
            double share,
            double dropout,
            RopeConfig.Pairs pairs,
            OptionalInt kvHeads,
            OptionalInt headDim,
            int maxPositions,
            OptionalInt bos,
            List<Integer> eos,
            OptionalInt pad,
            boolean tied,
            double theta,
            RopeScaling scaling,
            Optional<RopeConfig.Sections> sections) {}

    /// Whether there is a row of a `model_type`.
    static boolean hasModelType(String modelType) {
        return Families.TABLE.stream().anyMatch(f -> f.modelType.equals(modelType));
    }

    /// The row of a `model_type`.
    ///
    /// @param where file, for the error message
    /// @throws ModelException naming the supported types if there is none
    static DecoderFamily ofModelType(String modelType, String where) {
        return Families.TABLE.stream()
                .filter(f -> f.modelType.equals(modelType))
                .findFirst()
                .orElseThrow(
                        () ->
                                new ModelException(
                                        "%s: model_type \"%s\" is not supported; supported: %s"
                                                .formatted(where, modelType, modelTypes())));
    }

    private static List<String> modelTypes() {
        return Families.TABLE.stream().map(DecoderFamily::modelType).toList();
    }
}
