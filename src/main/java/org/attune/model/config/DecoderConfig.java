package org.attune.model.config;

import org.attune.error.ModelException;
import org.attune.files.JsonFields;
import org.attune.files.gguf.GgufFile;
import org.attune.tensor.DType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// Everything that distinguishes one decoder from another.
///
/// @param modelType             Hugging Face's `model_type`, a row of [DecoderFamily]
/// @param hiddenSize            width of the residual stream
/// @param vocabSize             rows of the embedding
/// @param layers                number of blocks
/// @param block                 what the blocks compute
/// @param tieWordEmbeddings     whether the output layer is the embedding
/// @param positions             how positions are known
/// @param ends                  what is done to embeddings and logits
/// @param maxPositionEmbeddings longest sequence the model is made for
/// @param dtype                 type of the stored weights
/// @param special               special token ids
/// @param labels                rows of the score head (`num_labels`); 0 is a causal language model
/// @param scoreKind             what the score head judges; [ScoreKind#SEQUENCE] without labels
/// @param vision                what sees pictures, of models of text and images
public record DecoderConfig(
        String modelType,
        int hiddenSize,
        int vocabSize,
        int layers,
        BlockConfig block,
        boolean tieWordEmbeddings,
        PositionConfig positions,
        EndsConfig ends,
        int maxPositionEmbeddings,
        DType dtype,
        SpecialIds special,
        int labels,
        ScoreKind scoreKind,
        Optional<VisionConfig> vision) {

    /// The deepest models have some hundred blocks.
    static final int MOST_LAYERS = 4096;

    /// The widest residual streams have some ten thousand features.
    static final int MOST_FEATURES = 1 << 20;

    /// Rows of a matrix: the largest vocabularies have some hundred thousand.
    static final int MOST_ROWS = 1 << 26;

    /// @throws ModelException if the numbers can't belong to one decoder
    public DecoderConfig {
        if (labels < 0 || labels > MOST_FEATURES) {
            throw new ModelException(
                    "num_labels is %d; accepted: 1 to %d".formatted(labels, MOST_FEATURES));
        }
        requireSize("hidden_size", hiddenSize, MOST_FEATURES);
        requireSize("intermediate_size", block.feedForward().inner(), MOST_ROWS);
        AttentionConfig attention = block.attention();
        requireSize("vocab_size", vocabSize, MOST_ROWS);
        requireSize("num_hidden_layers", layers, MOST_LAYERS);
        requireSize("num_attention_heads", attention.heads(), MOST_FEATURES);
        requireSize("num_key_value_heads", attention.kvHeads(), MOST_FEATURES);
        requireSize("head_dim", attention.headDim(), MOST_FEATURES);
        requireSize("max_position_embeddings", maxPositionEmbeddings, Integer.MAX_VALUE);
        if ((long) attention.heads() * attention.headDim() > MOST_ROWS) {
            throw new ModelException(
                    "num_attention_heads %d times head_dim %d is more than %d"
                            .formatted(attention.heads(), attention.headDim(), MOST_ROWS));
        }
        if (attention.heads() % attention.kvHeads() != 0) {
            throw new ModelException(
                    "num_attention_heads %d is no multiple of num_key_value_heads %d"
                            .formatted(attention.heads(), attention.kvHeads()));
        }
        if (!(attention.scale() > 0 && Double.isFinite(attention.scale()))) {
            throw new ModelException(
                    "the scale of attention scores is %s; accepted: finite numbers above 0"
                            .formatted(attention.scale()));
        }
        if (positions instanceof RopeConfig rope) {
            RopeLimits.require(rope, attention.rotatedHead(), maxPositionEmbeddings);
            RopeLimits.require(
                    rope.inWindows(), attention.rotatedInWindows(), maxPositionEmbeddings);
        }
        if (attention.windows().size() != layers) {
            throw new ModelException(
                    "%d window sizes for %d layers".formatted(attention.windows().size(), layers));
        }
        int described = block.mixers().layers().size();
        if (described != 0 && described != layers) {
            throw new ModelException(
                    "the parts of %d blocks for %d layers".formatted(described, layers));
        }
    }

    /// A causal language model of the Llama shape.
    public DecoderConfig(
            String modelType,
            int hiddenSize,
            int intermediateSize,
            int vocabSize,
            int layers,
            AttentionConfig attention,
            boolean mlpBias,
            Activation activation,
            double rmsNormEps,
            boolean tieWordEmbeddings,
            RopeConfig rope,
            int maxPositionEmbeddings,
            DType dtype,
            SpecialIds special) {
        this(
                modelType,
                hiddenSize,
                vocabSize,
                layers,
                new BlockConfig(
                        BlockOrder.SEQUENTIAL,
                        new NormConfig.Rms(rmsNormEps, 0),
                        attention,
                        new FeedForwardConfig(intermediateSize, true, activation, mlpBias)),
                tieWordEmbeddings,
                rope,
                EndsConfig.PLAIN,
                maxPositionEmbeddings,
                dtype,
                special,
                0,
                ScoreKind.SEQUENCE,
                Optional.empty());
    }

    /// Whether the model scores sequences or tokens instead of predicting tokens.
    public boolean scores() {
        return labels > 0;
    }

    /// Whether an id is one of a token, or of a picture's row in a model that sees.
    public boolean knows(int id) {
        return id < vocabSize && (id >= 0 || vision.isPresent());
    }

    /// The token in whose places rows of pictures stand, in models that see.
    public OptionalInt imageToken() {
        return vision.stream().mapToInt(VisionConfig::imageToken).findFirst();
    }

    /// Whether positions depend on the pictures before a token.
    public boolean placesPictures() {
        return positions instanceof RopeConfig rope && rope.sections().isPresent();
    }

    /// Rows of the output layer: one per token of the vocabulary, or one per label.
    public int outputRows() {
        return scores() ? labels : vocabSize;
    }

    /// Whether PEFT takes names of single experts' matrices for parameters that hold all experts,
    /// and gives other modules of these names no adapter.
    public boolean expertsByName() {
        return names().experts().isPresent()
                && DecoderFamily.ofModelType(modelType, "model").expertsByName();
    }

    /// Whether the output layer is the embedding. A score head never is.
    public boolean tiesOutput() {
        return tieWordEmbeddings && !scores();
    }

    /// Puts a score head for whole sequences on the blocks.
    ///
    /// @param count of labels, ≥ 1
    public DecoderConfig withLabels(int count) {
        return withScores(ScoreKind.SEQUENCE, count);
    }

    /// Puts a score head on the blocks.
    ///
    /// @param count of labels, ≥ 1
    public DecoderConfig withScores(ScoreKind kind, int count) {
        return with(dtype, tieWordEmbeddings, kind, count);
    }

    /// Replaces the number format in which weights are stored.
    public DecoderConfig withDtype(DType other) {
        return with(other, tieWordEmbeddings, scoreKind, labels);
    }

    /// Makes the embedding the output layer.
    public DecoderConfig withTiedOutputLayer() {
        return with(dtype, true, scoreKind, labels);
    }

    /// Separates the output layer from the embedding.
    public DecoderConfig withSeparateOutputLayer() {
        return with(dtype, false, scoreKind, labels);
    }

    /// Replaces what blocks compute, and what is done to embeddings and logits.
    DecoderConfig with(BlockConfig otherBlock, EndsConfig otherEnds) {
        return with(otherBlock, otherEnds, dtype, tieWordEmbeddings, scoreKind, labels, vision);
    }

    /// Adds what sees pictures.
    DecoderConfig withVision(VisionConfig eyes) {
        Optional<VisionConfig> some = Optional.of(eyes);
        BlockConfig seeing =
                eyes.picturesWhole()
                        ? block.with(attention().withPicturesWhole(eyes.throughWindows()))
                        : block;
        return with(seeing, ends, dtype, tieWordEmbeddings, scoreKind, labels, some);
    }

    private DecoderConfig with(DType other, boolean tied, ScoreKind otherKind, int otherLabels) {
        return with(block, ends, other, tied, otherKind, otherLabels, vision);
    }

    private DecoderConfig with(
            BlockConfig otherBlock,
            EndsConfig otherEnds,
            DType otherDtype,
            boolean tied,
            ScoreKind otherKind,
            int otherLabels,
            Optional<VisionConfig> otherVision) {
        return new DecoderConfig(
                modelType,
                hiddenSize,
                vocabSize,
                otherBlock.attention().windows().size(),
                otherBlock,
                tied,
                positions,
                otherEnds,
                maxPositionEmbeddings,
                otherDtype,
                special,
                otherLabels,
                otherKind,
                otherVision);
    }

    /// The configuration of a Hugging Face model folder or of a `config.json`, in the style of
    /// transformers 5 or of earlier versions.
    ///
    /// @throws ModelException if the file is absent or damaged, or of an unsupported family
    public static DecoderConfig read(Path folderOrFile) {
        Path file =
                Files.isDirectory(folderOrFile)
                        ? folderOrFile.resolve("config.json")
                        : folderOrFile;
        return ConfigJson.parse(JsonFields.read(file));
    }

    /// The configuration that a GGUF file's metadata and tensors describe.
    ///
    /// @throws ModelException if something is missing, or the architecture is not supported
    public static DecoderConfig of(GgufFile file) {
        return GgufConfig.parse(file);
    }

    /// How the family's files call its tensors.
    public TensorNames names() {
        TensorNames own = DecoderFamily.ofModelType(modelType, "configuration").names(this);
        return vision.map(v -> own.with().trunk(v.text(), own.embedding()).names()).orElse(own);
    }

    /// Path of the learned vectors of positions, if there are such.
    public Optional<String> positionsPath() {
        return rotates() ? Optional.empty() : names().positionsPath();
    }

    /// Attention of every block.
    public AttentionConfig attention() {
        return block.attention();
    }

    /// Width inside the feed-forward parts.
    public int intermediateSize() {
        return block.feedForward().inner();
    }

    /// Whether the projections of feed-forward parts have biases.
    public boolean mlpBias() {
        return block.feedForward().bias();
    }

    /// Activation of the feed-forward parts.
    public Activation activation() {
        return block.feedForward().activation();
    }

    /// ε of the norms.
    public double normEps() {
        return block.norm().epsilon();
    }

    /// The rotary position embedding.
    ///
    /// @throws IllegalStateException if there is none
    public RopeConfig rope() {
        if (positions instanceof RopeConfig rope) {
            return rope;
        }
        throw new IllegalStateException(modelType + " models rotate nothing");
    }

    /// Whether queries and keys are rotated, if not in every layer.
    public boolean rotates() {
        return positions instanceof RopeConfig;
    }

    /// Whether a layer rotates queries and keys.
    public boolean rotates(int layer) {
        return positions instanceof RopeConfig rope && !rope.exceptions().still().contains(layer);
    }

    /// Whether all layers rotate queries and keys alike.
    public boolean rotatesAlike() {
        return positions instanceof RopeConfig rope
                && rope.exceptions().equals(RopeConfig.Exceptions.NONE);
    }

    /// Whether kernels that rotate heads compute what this model does.
    public boolean rotatesAsKernels() {
        return rotatesAlike()
                && rope().pairs() == RopeConfig.Pairs.HALVES
                && rope().growth().isEmpty();
    }

    /// The largest share of activations that the model asks training to drop, [0, 1).
    public double dropout() {
        return Math.max(attention().dropout(), ends.dropout());
    }

    /// Keys of `config.json` that ask for it, in words.
    public String dropoutKeys() {
        return DecoderFamily.ofModelType(modelType, "configuration").dropoutWords();
    }

    /// What hand-written passes don't know, in words; none if they can compute all blocks. Halves
    /// of blocks with such parts run in ordinary operators.
    public List<String> unwritten() {
        return new UnlikeLlama(this).unwritten();
    }

    /// What hand-written attention doesn't know, in words.
    public List<String> unwrittenAttention() {
        return new UnlikeLlama(this).attention();
    }

    /// What hand-written feed-forward parts don't know, in words.
    public List<String> unwrittenFeedForward() {
        return new UnlikeLlama(this).feedForward();
    }

    /// What the kernel that takes a token through all blocks doesn't know, in words.
    public List<String> unlikeTokens() {
        return new UnlikeLlama(this).tokens();
    }

    /// What is computed otherwise than in Llama, in words; none if all is as there, whatever the
    /// sizes. Kernels for whole blocks on GPUs compute what Llama does.
    public List<String> unlikeLlama() {
        return new UnlikeLlama(this).kernels();
    }

    /// Tokens that a token of `layer` sees, itself included; empty if it sees all before it.
    public OptionalInt window(int layer) {
        int window = attention().windows().get(layer);
        return window > 0 ? OptionalInt.of(window) : OptionalInt.empty();
    }

    /// Factor of the loss that balances experts (`router_aux_loss_coef`); empty: the family has no
    /// such loss.
    public OptionalDouble routerLoss() {
        return block.feedForward().experts().stream()
                .map(ExpertsConfig::loss)
                .filter(ExpertsConfig.RouterLoss::exists)
                .mapToDouble(ExpertsConfig.RouterLoss::factor)
                .findFirst();
    }

    /// Whether the model asks for that loss in all training (`output_router_logits`).
    public boolean asksForRouterLoss() {
        return block.feedForward().experts().filter(e -> e.loss().asked()).isPresent();
    }

    /// Whether queries grow with their positions in a layer.
    ///
    /// @param rotates whether it rotates queries and keys
    public boolean grows(boolean rotates) {
        return positions instanceof RopeConfig rope
                && rope.growth().filter(g -> g.still() != rotates).isPresent();
    }

    /// Which parts a block has.
    public MixersConfig.Parts parts(int layer) {
        return block.mixers().parts(layer);
    }

    /// Whether blocks keep a state of a sequence, which can't be cut back.
    public boolean keepsState() {
        return block.mixers().state().isPresent();
    }

    /// Query heads.
    public int heads() {
        return attention().heads();
    }

    /// Key and value heads.
    public int kvHeads() {
        return attention().kvHeads();
    }

    /// Whether attention differs between layers, and some may attend to keys of others.
    public boolean variesAttention() {
        return attention().varied().isPresent();
    }

    /// Features of a head.
    public int headDim() {
        return attention().headDim();
    }

    /// Numbers in the matrices of all blocks and the output layer, which multiply each token.
    public long productNumbers() {
        long blocks = 0;
        for (int layer = 0; layer < layers; layer++) {
            blocks += blockNumbers(layer);
        }
        return blocks + (long) hiddenSize * outputRows();
    }

    /// Numbers in the matrices of the first block.
    public long blockNumbers() {
        return blockNumbers(0);
    }

    private long blockNumbers(int layer) {
        MixersConfig.Parts parts = parts(layer);
        long attended =
                attention()
                        .latent()
                        .map(this::latentNumbers)
                        .orElseGet(() -> hiddenSize * projectedNumbers(layer));
        long numbers = parts.attention() ? attended : 0;
        if (parts.state()) {
            numbers += block.mixers().state().orElseThrow().productNumbers(hiddenSize);
        }
        if (!parts.feedForward()) {
            return numbers;
        }
        FeedForwardConfig part = block.feedForward();
        if (part.isDense(layer)) {
            numbers += (long) hiddenSize * part.matrices() * part.inner(layer);
        }
        return numbers
                + 2L * hiddenSize * block.end().width()
                + block.residual().numbers(hiddenSize)
                + part.experts(layer)
                        .map(
                                e ->
                                        e.numbers(
                                                hiddenSize,
                                                names().experts().orElseThrow().hasSharedGate()))
                        .orElse(0L);
    }

    private long projectedNumbers(int layer) {
        if (variesAttention()) {
            AttentionConfig.Sizes s = attention().sizes(layer);
            long keys = attention().source(layer) == layer ? s.kvHeads() : 0;
            return s.headDim() * (2L * heads() + (s.keysAreValues() ? 1 : 2) * keys);
        }
        return attention().projectedQueries() + (long) headDim() * (heads() + 2L * kvHeads());
    }

    private long latentNumbers(AttentionConfig.Latent latent) {
        return latent.linears(heads(), hiddenSize).values().stream()
                .mapToLong(shape -> shape[0] * shape[1])
                .sum();
    }

    private static void requireSize(String name, int value, int most) {
        if (value < 1 || value > most) {
            throw new ModelException(
                    "%s is %d; accepted: integers from 1 to %d".formatted(name, value, most));
        }
    }
}
