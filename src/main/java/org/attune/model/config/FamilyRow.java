package org.attune.model.config;

import org.attune.files.JsonFields;
import org.attune.model.config.DecoderFamily.ActivationRule;
import org.attune.model.config.DecoderFamily.BiasRule;
import org.attune.model.config.DecoderFamily.EndRule;
import org.attune.model.config.DecoderFamily.RotationRule;
import org.attune.model.config.DecoderFamily.ScoreRule;
import org.attune.model.config.DecoderFamily.WindowRule;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;

/// Builds a row of [Families]: what isn't said is as in Llama.
final class FamilyRow {
    private final String modelType;
    private final String architecture;
    private String gguf = "";
    private BiFunction<JsonFields, DecoderFamily, DecoderConfig> reader = ConfigJson::parse;
    private BiasRule attentionBias = BiasRule.NONE;
    private boolean mlpBias;
    private QkNorm qkNorm = QkNorm.NONE;
    private boolean gated = true;
    private Optional<ExpertRule> experts = Optional.empty();
    private BlockOrder order = BlockOrder.SEQUENTIAL;
    private double normOffset;
    private ActivationRule activation = new ActivationRule("hidden_act", "silu");
    private ScoreRule scores = new ScoreRule(OptionalDouble.empty(), OptionalDouble.empty());
    private EndRule ends = new EndRule(false, OptionalDouble.empty());
    private boolean gatedAttention;
    private Optional<BiFunction<JsonFields, Integer, MixersConfig>> mixers = Optional.empty();
    private final Map<String, String> usualKeys = new LinkedHashMap<>();
    private Predicate<JsonFields> rotates = _ -> true;
    private ToIntFunction<JsonFields> inner =
            json -> json.size("intermediate_size", DecoderConfig.MOST_ROWS);
    private WindowRule window = WindowRule.NONE;
    private RotationRule rotation = RotationRule.ALIKE;
    private TensorNames names = TensorNames.LLAMA;
    private boolean sinks;
    private final List<String> obeyed = new ArrayList<>();
    private final Map<String, Object> required = new HashMap<>();
    private String dropoutKeys = "attention_dropout";
    private int absentWindow = 4096;
    private int pattern = Integer.MAX_VALUE;
    private double epsilon = 1e-6;
    private double share = 1;
    private double dropout;
    private RopeConfig.Pairs pairs = RopeConfig.Pairs.HALVES;
    private OptionalInt kvHeads = OptionalInt.empty();
    private OptionalInt headDim = OptionalInt.empty();
    private int maxPositions = 2048;
    private OptionalInt bos = OptionalInt.empty();
    private List<Integer> eos = List.of();
    private OptionalInt pad = OptionalInt.empty();
    private boolean tied;
    private double theta = 10000;

    private FamilyRow(String modelType, String architecture) {
        this.modelType = modelType;
        this.architecture = architecture;
    }

    /// @param modelType as in `config.json`
    /// @param architecture class name in transformers
    static FamilyRow named(String modelType, String architecture) {
        return new FamilyRow(modelType, architecture);
    }

    FamilyRow gguf(String name) {
        gguf = name;
        return this;
    }

    FamilyRow readBy(BiFunction<JsonFields, DecoderFamily, DecoderConfig> other) {
        reader = other;
        return this;
    }

    FamilyRow attentionBias(BiasRule rule) {
        attentionBias = rule;
        return this;
    }

    FamilyRow mlpBias() {
        mlpBias = true;
        return this;
    }

    FamilyRow qkNorm(QkNorm kind) {
        qkNorm = kind;
        return this;
    }

    FamilyRow experts(ExpertRule rule) {
        experts = Optional.of(rule);
        obeyed.addAll(rule.keys());
        return obeyed("num_experts", "num_local_experts");
    }

    FamilyRow ungated() {
        gated = false;
        return this;
    }

    FamilyRow order(BlockOrder other) {
        order = other;
        return this;
    }

    FamilyRow normOffset(double offset) {
        normOffset = offset;
        return this;
    }

    FamilyRow activation(String key, String absent) {
        activation = new ActivationRule(key, absent);
        return obeyed(key);
    }

    /// @param scalar of an absent `query_pre_attn_scalar`
    FamilyRow scalar(double scalar) {
        scores = new ScoreRule(OptionalDouble.of(scalar), scores.cap());
        return this;
    }

    /// @param attention of an absent `attn_logit_softcapping`; 0 is none
    /// @param logits of an absent `final_logit_softcapping`; 0 is none
    FamilyRow caps(double attention, double logits) {
        scores = new ScoreRule(scores.scalar(), OptionalDouble.of(attention));
        ends = new EndRule(ends.scalesEmbeddings(), OptionalDouble.of(logits));
        return obeyed("attn_logit_softcapping", "final_logit_softcapping");
    }

    FamilyRow scaledEmbeddings() {
        ends = new EndRule(true, ends.cap());
        return this;
    }

    /// Queries have gates beside them.
    FamilyRow gatedAttention() {
        gatedAttention = true;
        return obeyed("attn_output_gate");
    }

    /// @param reader of what mixes tokens, for a number of layers
    FamilyRow mixers(BiFunction<JsonFields, Integer, MixersConfig> reader) {
        mixers = Optional.of(reader);
        return this;
    }

    /// @param key that the family has in place of another
    /// @param usual name of that one
    FamilyRow calls(String key, String usual) {
        usualKeys.put(key, usual);
        return this;
    }

    /// @param some says whether a model knows positions by rotating
    FamilyRow rotatesIf(Predicate<JsonFields> some) {
        rotates = some;
        return obeyed("position_embedding_type");
    }

    /// @param reader of the width inside of feed-forward parts
    FamilyRow inner(ToIntFunction<JsonFields> reader) {
        inner = reader;
        return this;
    }

    FamilyRow window(WindowRule rule) {
        window = rule;
        return this;
    }

    /// @param absent of an absent `sliding_window`; 0 is none
    FamilyRow window(WindowRule rule, int absent) {
        window = rule;
        absentWindow = absent;
        return this;
    }

    FamilyRow rotation(RotationRule rule) {
        rotation = rule;
        return switch (rule) {
            case ALIKE -> this;
            case WINDOWS_APART -> obeyed("rope_local_base_freq");
            case SOME_STILL -> obeyed("no_rope_layers", "no_rope_layer_interval");
            case WINDOWS_UNSCALED, FULL_STILL -> this;
        };
    }

    /// Features that stand side by side are rotated together.
    FamilyRow neighbours() {
        pairs = RopeConfig.Pairs.NEIGHBOURS;
        return this;
    }

    /// @param absent of an absent `partial_rotary_factor`
    FamilyRow rotatesShare(double absent) {
        share = absent;
        return obeyed("partial_rotary_factor");
    }

    /// Embeddings, scores, parts of blocks and logits have factors, as in Granite.
    FamilyRow multiplies() {
        return obeyed(
                "embedding_multiplier",
                "attention_multiplier",
                "residual_multiplier",
                "logits_scaling");
    }

    FamilyRow epsilon(double absent) {
        epsilon = absent;
        return this;
    }

    FamilyRow sinks() {
        sinks = true;
        return this;
    }

    FamilyRow names(TensorNames others) {
        names = others;
        return this;
    }

    /// @param absent of an absent `sliding_window_pattern`
    FamilyRow pattern(int absent) {
        pattern = absent;
        return window(WindowRule.PATTERN);
    }

    /// Keys that are computed beside those of what the row says.
    FamilyRow obeyed(String... keys) {
        obeyed.addAll(List.of(keys));
        return this;
    }

    /// A key that must have this value where it is there.
    FamilyRow requires(String key, Object value) {
        required.put(key, value);
        return obeyed(key);
    }

    FamilyRow dropoutKeys(String words) {
        dropoutKeys = words;
        return this;
    }

    /// @param absent of absent keys of dropout
    FamilyRow dropout(double absent) {
        dropout = absent;
        return this;
    }

    FamilyRow heads(int kv) {
        kvHeads = OptionalInt.of(kv);
        return this;
    }

    FamilyRow headDim(int dim) {
        headDim = OptionalInt.of(dim);
        return this;
    }

    FamilyRow positions(int max, double base) {
        maxPositions = max;
        theta = base;
        return this;
    }

    FamilyRow tokens(int first, int last) {
        bos = OptionalInt.of(first);
        eos = List.of(last);
        return this;
    }

    /// Where no token begins a text.
    FamilyRow ends(Integer... ids) {
        eos = List.of(ids);
        return this;
    }

    FamilyRow pad(int id) {
        pad = OptionalInt.of(id);
        return this;
    }

    FamilyRow tied() {
        tied = true;
        return this;
    }

    DecoderFamily row() {
        return new DecoderFamily(
                modelType,
                gguf,
                architecture,
                reader,
                attentionBias,
                mlpBias,
                qkNorm,
                gated,
                experts,
                order,
                normOffset,
                activation,
                scores,
                ends,
                gatedAttention,
                mixers,
                Map.copyOf(usualKeys),
                inner,
                window,
                rotation,
                rotates,
                names,
                sinks,
                List.copyOf(obeyed),
                Map.copyOf(required),
                dropoutKeys,
                new DecoderFamily.Absent(
                        absentWindow,
                        pattern,
                        epsilon,
                        share,
                        dropout,
                        pairs,
                        kvHeads,
                        headDim,
                        maxPositions,
                        bos,
                        eos,
                        pad,
                        tied,
                        theta));
    }
}
