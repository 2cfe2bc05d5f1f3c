package org.attune.model.config;

import org.attune.files.JsonFields;
import org.attune.model.config.DecoderFamily.ActivationRule;
import org.attune.model.config.DecoderFamily.BiasRule;
import org.attune.model.config.DecoderFamily.EndRule;
import org.attune.model.config.DecoderFamily.Flag;
import org.attune.model.config.DecoderFamily.NormRule;
import org.attune.model.config.DecoderFamily.OrderRule;
import org.attune.model.config.DecoderFamily.QkNormRule;
import org.attune.model.config.DecoderFamily.RopeKeys;
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
import java.util.function.DoubleFunction;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;

/// Builds a row of [Families]: what isn't said is as in Llama.
final class FamilyRow {
    private final String modelType;
    private final String architecture;
    private BiFunction<JsonFields, DecoderFamily, DecoderConfig> reader = ConfigJson::parse;
    private BiasRule attentionBias = BiasRule.NONE;
    private Flag attentionKey = new Flag("attention_bias", false);
    private Flag mlpBias = new Flag("", false);
    private QkNormRule qkNorm = new QkNormRule(QkNorm.NONE, new Flag("", true));
    private boolean gated = true;
    private Optional<ExpertRule> experts = Optional.empty();
    private OrderRule order = new OrderRule(BlockOrder.SEQUENTIAL, new Flag("", false), false);
    private NormRule norm = new NormRule("rms_norm_eps", e -> new NormConfig.Rms(e, 0));
    private ActivationRule activation = new ActivationRule("hidden_act", "silu");
    private ScoreRule scores = new ScoreRule(OptionalDouble.empty(), OptionalDouble.empty(), false);
    private boolean scalesEmbeddings;
    private OptionalDouble cap = OptionalDouble.empty();
    private OptionalDouble logitScale = OptionalDouble.empty();
    private boolean outputBias;
    private boolean embeddingNorm;
    private boolean gatedAttention;
    private Optional<BiFunction<JsonFields, Integer, MixersConfig>> mixers = Optional.empty();
    private final Map<String, String> usualKeys = new LinkedHashMap<>();
    private Predicate<JsonFields> rotates = _ -> true;
    private Predicate<JsonFields> hasExperts = _ -> true;
    private boolean expertsByName;
    private ToIntFunction<JsonFields> inner =
            json -> json.size("intermediate_size", DecoderConfig.MOST_ROWS);
    private WindowRule window = WindowRule.NONE;
    private RotationRule rotation = RotationRule.ALIKE;
    private TensorNames names = TensorNames.LLAMA;
    private boolean sinks;
    private boolean latent;
    private final List<String> obeyed = new ArrayList<>();
    private final Map<String, Object> required = new HashMap<>();
    private RopeKeys ropeKeys = new RopeKeys("rope_theta", "partial_rotary_factor");
    private List<String> dropouts = List.of("attention_dropout");
    private int absentWindow = 4096;
    private int pattern = Integer.MAX_VALUE;
    private double epsilon = 1e-6;
    private double share = 1;
    private double dropout;
    private RopeConfig.Pairs pairs = RopeConfig.Pairs.HALVES;
    private Optional<RopeConfig.Sections> sections = Optional.empty();
    private OptionalInt kvHeads = OptionalInt.empty();
    private OptionalInt headDim = OptionalInt.empty();
    private int maxPositions = 2048;
    private OptionalInt bos = OptionalInt.empty();
    private List<Integer> eos = List.of();
    private OptionalInt pad = OptionalInt.empty();
    private boolean tied;
    private double theta = 10000;
    private RopeScaling scaling = new RopeScaling.None();

    private FamilyRow(String modelType, String architecture) {
        this.modelType = modelType;
        this.architecture = architecture;
    }

    /// @param modelType as in `config.json`
    /// @param architecture class name in transformers
    static FamilyRow named(String modelType, String architecture) {
        return new FamilyRow(modelType, architecture);
    }

    FamilyRow readBy(BiFunction<JsonFields, DecoderFamily, DecoderConfig> other) {
        reader = other;
        return this;
    }

    FamilyRow attentionBias(BiasRule rule) {
        attentionBias = rule;
        return this;
    }

    /// @param key says whether attention has the biases, where the rule leaves it open
    /// @param absent of an absent key
    FamilyRow biasKey(String key, boolean absent) {
        attentionKey = new Flag(key, absent);
        return obeyed(key);
    }

    FamilyRow mlpBias() {
        return mlpBias("mlp_bias", false);
    }

    /// @param key says whether projections of feed-forward parts have biases; empty: no key does
    /// @param absent of an absent key
    FamilyRow mlpBias(String key, boolean absent) {
        mlpBias = new Flag(key, absent);
        return obeyed(key);
    }

    FamilyRow qkNorm(QkNorm kind) {
        qkNorm = new QkNormRule(kind, new Flag("", true));
        return this;
    }

    /// @param key says whether queries and keys are normed; absent: they aren't
    FamilyRow qkNormIf(QkNorm kind, String key) {
        qkNorm = new QkNormRule(kind, new Flag(key, false));
        return obeyed(key);
    }

    /// @param key says whether there are such norms; absent, there are
    FamilyRow qkNormUnless(QkNorm kind, String key) {
        qkNorm = new QkNormRule(kind, new Flag(key, true));
        return obeyed(key);
    }

    FamilyRow experts(ExpertRule rule) {
        experts = Optional.of(rule);
        obeyed.addAll(rule.keys());
        return obeyed("num_experts", "num_local_experts");
    }

    /// @param some says whether a model has experts
    FamilyRow expertsIf(Predicate<JsonFields> some) {
        hasExperts = some;
        return this;
    }

    /// PEFT takes names of single experts' matrices for the parameters that hold all experts.
    FamilyRow expertsByName() {
        expertsByName = true;
        return this;
    }

    FamilyRow ungated() {
        gated = false;
        return this;
    }

    FamilyRow order(BlockOrder other) {
        order = new OrderRule(other, order.parallel(), order.oneNorm());
        return this;
    }

    /// Both parts of a block read its input, if `use_parallel_residual` says so.
    ///
    /// @param absent of an absent key
    /// @param oneNorm whether they read one norm then
    FamilyRow parallelIf(boolean absent, boolean oneNorm) {
        order = new OrderRule(order.order(), new Flag("use_parallel_residual", absent), oneNorm);
        return obeyed("use_parallel_residual");
    }

    FamilyRow normOffset(double offset) {
        return norms("rms_norm_eps", e -> new NormConfig.Rms(e, offset));
    }

    /// @param key of ε
    /// @param kind gives norms for an ε
    FamilyRow norms(String key, DoubleFunction<NormConfig> kind) {
        norm = new NormRule(key, kind);
        return this;
    }

    FamilyRow activation(String key, String absent) {
        activation = new ActivationRule(key, absent);
        return obeyed(key);
    }

    /// @param scalar of an absent `query_pre_attn_scalar`
    FamilyRow scalar(double scalar) {
        scores = new ScoreRule(OptionalDouble.of(scalar), scores.cap(), false);
        return this;
    }

    /// Products of queries and keys are scores as they are.
    FamilyRow unscaled() {
        scores = new ScoreRule(scores.scalar(), scores.cap(), true);
        return this;
    }

    /// @param attention of an absent `attn_logit_softcapping`; 0 is none
    /// @param logits of an absent `final_logit_softcapping`; 0 is none
    FamilyRow caps(double attention, double logits) {
        scores = new ScoreRule(scores.scalar(), OptionalDouble.of(attention), scores.unscaled());
        return cap(logits).obeyed("attn_logit_softcapping");
    }

    /// @param logits of an absent `final_logit_softcapping`; 0 is none
    FamilyRow cap(double logits) {
        cap = OptionalDouble.of(logits);
        return obeyed("final_logit_softcapping");
    }

    FamilyRow scaledEmbeddings() {
        scalesEmbeddings = true;
        return this;
    }

    FamilyRow normedEmbeddings() {
        embeddingNorm = true;
        return this;
    }

    /// @param absent of an absent `logit_scale`
    FamilyRow scaledLogits(double absent) {
        logitScale = OptionalDouble.of(absent);
        return obeyed("logit_scale");
    }

    FamilyRow outputBias() {
        outputBias = true;
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

    /// Features are rotated against the usual direction.
    FamilyRow turnsBack() {
        pairs = RopeConfig.Pairs.HALVES_BACK;
        return this;
    }

    FamilyRow rotation(RotationRule rule) {
        rotation = rule;
        return switch (rule) {
            case ALIKE -> this;
            case WINDOWS_APART -> obeyed("rope_local_base_freq");
            case SOME_STILL -> obeyed("no_rope_layers", "no_rope_layer_interval");
            case WINDOWS_UNSCALED, FULL_STILL, WINDOWS_ONLY -> this;
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
        return obeyed(ropeKeys.share());
    }

    /// @param thetaKey of the base of the wavelengths
    /// @param shareKey of the share of a head that is rotated
    FamilyRow ropeKeys(String thetaKey, String shareKey) {
        ropeKeys = new RopeKeys(thetaKey, shareKey);
        return this;
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

    /// Latent attention.
    FamilyRow latent() {
        latent = true;
        return obeyed("q_lora_rank", "kv_lora_rank");
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

    /// Keys that ask for dropout in training, that of attention first.
    FamilyRow dropouts(String... keys) {
        dropouts = List.of(keys);
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

    /// @param absent scaling of frequencies where no key says one
    FamilyRow scaling(RopeScaling absent) {
        scaling = absent;
        return this;
    }

    FamilyRow tokens(int first, int last) {
        bos = OptionalInt.of(first);
        eos = List.of(last);
        return this;
    }

    /// Frequencies are shared out to the axes of images. A text's tokens have the same position on
    /// all of them, so nothing changes.
    FamilyRow sharesFrequencies() {
        return obeyed(RopeJson.SECTIONS, RopeJson.INTERLEAVED);
    }

    /// Frequencies are shared out to times, rows and columns of pictures.
    ///
    /// @param absent of an absent `mrope_section`
    FamilyRow sections(RopeConfig.Sections absent) {
        sections = Optional.of(absent);
        return sharesFrequencies();
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
                architecture,
                reader,
                attentionBias,
                attentionKey,
                mlpBias,
                qkNorm,
                gated,
                experts,
                order,
                norm,
                activation,
                scores,
                new EndRule(scalesEmbeddings, cap, logitScale, outputBias, embeddingNorm),
                gatedAttention,
                mixers,
                Map.copyOf(usualKeys),
                inner,
                window,
                rotation,
                rotates,
                hasExperts,
                expertsByName,
                names,
                sinks,
                latent,
                List.copyOf(obeyed),
                Map.copyOf(required),
                ropeKeys,
                dropouts,
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
                        theta,
                        scaling,
                        sections));
    }
}
