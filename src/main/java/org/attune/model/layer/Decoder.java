package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.error.StopRequest;
import org.attune.files.TensorFile;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ScoreKind;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.LargePages;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The weights of a decoder of the Llama shape, in one compute dtype on one device. What differs
/// between families stands in [DecoderConfig]. Owns its tensors; use it on the engine thread.
public final class Decoder implements AutoCloseable {
    /// Of larger models no packed copies are kept.
    public static final long MOST_PACKED_BYTES = 1L << 30;

    /// Largest weights of which decoding has a copy.
    public static final long MOST_DECODING_BYTES = 3L << 30;

    private final TensorScope scope = TensorScope.detached("decoder");
    private final DecoderConfig config;
    private final Device device;
    private final DType dtype;
    private final Weight embedding;
    private final List<Block> blocks = new ArrayList<>();
    private final RmsNorm finalNorm;
    private final OutputLayer output;
    private final boolean packs;

    private Decoder(DecoderConfig config, TensorFile file, Device device, DType dtype) {
        this.config = config;
        this.device = device;
        this.dtype = dtype;
        WeightShapes.check(config, file);
        packs =
                PackedMatrix.isUseful(device, dtype)
                        && config.productNumbers() * dtype.bytes() <= MOST_PACKED_BYTES;
        var loader = new Loader(file);
        int width = config.hiddenSize();
        embedding = loader.weight("model.embed_tokens.weight", config.vocabSize(), width);
        for (int i = 0; i < config.layers(); i++) {
            blocks.add(block(i, loader));
        }
        finalNorm = loader.norm("model.norm", width);
        output = output(loader);
        UnreadTensors.refuse(config, file, loader.read);
    }

    /// The blocks of another decoder under a score head of their own.
    private Decoder(Decoder trunk, DecoderConfig config, TensorFile head) {
        this.config = config;
        device = trunk.device;
        dtype = trunk.dtype;
        packs = false;
        embedding = trunk.embedding;
        blocks.addAll(trunk.blocks);
        finalNorm = trunk.finalNorm;
        output = output(new Loader(head));
    }

    private OutputLayer output(Loader loader) {
        String path = config.scores() ? OutputLayer.SCORE_PATH : OutputLayer.PATH;
        String name = path + ".weight";
        return new OutputLayer(
                config.tiesOutput()
                        ? new Weight(name, embedding.base())
                        : loader.weight(name, config.outputRows(), config.hiddenSize()),
                config.scores() && config.scoreKind().hasBias()
                        ? Optional.of(loader.weight(path + ".bias", config.labels()))
                        : Optional.empty(),
                packs ? Optional.of(scope) : Optional.empty());
    }

    /// Makes the copies of weights in the layout that products like best, where there are to be
    /// such: a pass would make them too, but they would scatter its activations. Call it when it is
    /// clear what is trained.
    public void pack() {
        linears().forEach(l -> Engine.leavingCores(l::pack));
        output.pack();
    }

    /// Makes such copies for backward passes too, and gives the weights themselves back, which are
    /// made again from a copy when they are asked for. A fifth of the time of these passes'
    /// products, in the same memory. Gradients may differ in the last bit of the compute dtype.
    public void packBackward() {
        linears().forEach(l -> Engine.leavingCores(l::packBackward));
    }

    /// Whether there are such copies.
    public boolean packsBackward() {
        return linears().stream().anyMatch(FusedLinear::packsBackward);
    }

    /// Has decoding take all blocks in one piece, where the processor has the kernels for it and
    /// the weights are at most [#MOST_DECODING_BYTES]: half to two thirds of a token's time. It
    /// reads the copy that forward passes read, which is put into large pages; models that have
    /// none, since they are too large to have it beside the weights, get one.
    public void packDecoding() {
        if (canPackDecoding()) {
            long numbers = linears().stream().mapToLong(FusedLinear::packedNumbers).sum();
            try (var memory = new LargePages(device, dtype, numbers, linears().size())) {
                linears().forEach(l -> l.serveTokens(memory.take(scope, l.packedNumbers())));
            }
        }
    }

    /// The same where it takes no memory, not even for a moment: the copy stays where it is.
    public void packDecodingInPlace() {
        if (packs && canPackDecoding()) {
            linears().forEach(FusedLinear::serveTokens);
        }
    }

    private boolean canPackDecoding() {
        return TokenKernel.suits(config, device, dtype)
                && !linears().stream().allMatch(FusedLinear::servesTokens)
                && config.productNumbers() * dtype.bytes() <= MOST_DECODING_BYTES
                && linears().stream().allMatch(FusedLinear::canServeTokens);
    }

    /// Keeps nothing but what forward passes read, with the adapter that is attached: half of the
    /// memory where products read packed copies, which larger models then have too. Afterwards
    /// nothing can be attached, merged or trained. Models whose weights are trained, or that carry
    /// frozen adapters, stay as they are.
    public void keepForward() {
        linears().forEach(FusedLinear::keepForward);
        output.pack();
        Engine.giveBackFreedMemory();
    }

    /// Loads the weights. Tensors beside the blocks are passed over, as the heads of other tasks;
    /// tensors in the blocks that nothing here computes with are refused.
    ///
    /// @param dtype of weights and activations
    /// @throws ModelException if a tensor is missing, of the wrong shape or in the way
    public static Decoder load(DecoderConfig config, TensorFile file, Device device, DType dtype) {
        return new Decoder(config, file, device, dtype);
    }

    /// A model that scores with the blocks of another one: the same tensors, another head. Adapters
    /// on the blocks of one are on those of the other.
    ///
    /// @param trunk borrowed; close it after this one
    /// @param config the trunk's with a score head
    /// @param head holds the tensors of the score head
    public static Decoder scorerOn(Decoder trunk, DecoderConfig config, TensorFile head) {
        if (!config.scores()
                || !config.withScores(ScoreKind.SEQUENCE, 1)
                        .equals(trunk.config.withScores(ScoreKind.SEQUENCE, 1))) {
            throw new IllegalArgumentException("only the head may differ from the trunk's");
        }
        return new Decoder(trunk, config, head);
    }

    private Block block(int layer, Loader loader) {
        String path = "model.layers." + layer + ".";
        int width = config.hiddenSize();
        int inner = config.intermediateSize();
        AttentionConfig a = config.attention();
        int queries = a.heads() * a.headDim();
        int keys = a.kvHeads() * a.headDim();
        String attention = path + "self_attn.";
        String mlp = path + "mlp.";
        return new Block(
                loader.norm(path + "input_layernorm", width),
                loader.linear(
                        width,
                        a.qkvBias(),
                        Map.entry(attention + "q_proj", queries),
                        Map.entry(attention + "k_proj", keys),
                        Map.entry(attention + "v_proj", keys)),
                a.qkNorm() ? loader.norm(attention + "q_norm", a.headDim()) : null,
                a.qkNorm() ? loader.norm(attention + "k_norm", a.headDim()) : null,
                loader.linear(queries, a.outputBias(), Map.entry(attention + "o_proj", width)),
                loader.norm(path + "post_attention_layernorm", width),
                loader.linear(
                        width,
                        config.mlpBias(),
                        Map.entry(mlp + "gate_proj", inner),
                        Map.entry(mlp + "up_proj", inner)),
                loader.linear(inner, config.mlpBias(), Map.entry(mlp + "down_proj", width)),
                config.window(layer).orElse(0));
    }

    public DecoderConfig config() {
        return config;
    }

    public Device device() {
        return device;
    }

    public DType dtype() {
        return dtype;
    }

    public List<Block> blocks() {
        return blocks;
    }

    /// `(V, D)`.
    public Weight embedding() {
        return embedding;
    }

    public RmsNorm finalNorm() {
        return finalNorm;
    }

    /// From hidden states to logits.
    public OutputLayer output() {
        return output;
    }

    /// All linear layers of all blocks.
    public List<FusedLinear> linears() {
        var all = new ArrayList<FusedLinear>();
        for (Block b : blocks) {
            all.addAll(b.linears());
        }
        return all;
    }

    /// All norms, in the order in which they are computed.
    public List<RmsNorm> norms() {
        var all = new ArrayList<RmsNorm>();
        for (Block b : blocks) {
            all.addAll(b.norms());
        }
        all.add(finalNorm);
        return all;
    }

    @Override
    public void close() {
        scope.close();
    }

    /// Reads tensors by name and checks shapes.
    private final class Loader {
        private final TensorFile file;
        private final Set<String> read = new HashSet<>();

        Loader(TensorFile file) {
            this.file = file;
        }

        Weight weight(String name, long... shape) {
            try (var _ = TensorScope.open("load")) {
                Tensor target = scope.adopt(Tensor.empty(device, dtype, shape));
                into(name, target);
                return new Weight(name, target);
            }
        }

        RmsNorm norm(String path, int width) {
            return new RmsNorm(weight(path + ".weight", width), config.rmsNormEps());
        }

        @SafeVarargs
        final FusedLinear linear(int in, boolean bias, Map.Entry<String, Integer>... outs) {
            var parts = new ArrayList<FusedLinear.Part>();
            int row = 0;
            for (var out : outs) {
                parts.add(new FusedLinear.Part(out.getKey(), row, out.getValue(), bias));
                row += out.getValue();
            }
            try (var _ = TensorScope.open("load")) {
                var linear = new FusedLinear(scope, parts, in, device, dtype, packs);
                for (int i = 0; i < outs.length; i++) {
                    into(outs[i].getKey() + ".weight", linear.weight(i));
                    if (bias) {
                        into(outs[i].getKey() + ".bias", linear.bias(i));
                    }
                }
                return linear;
            }
        }

        private void into(String name, Tensor target) {
            read.add(name);
            TensorFile.Entry entry = file.entries().get(name);
            if (entry == null) {
                throw new ModelException(
                        "the model's files hold no tensor \"%s\"; its config.json says it should"
                                .formatted(name));
            }
            StopRequest.check();
            if (!Arrays.equals(entry.shape(), target.shape())) {
                throw new ModelException(
                        "tensor \"%s\" has shape %s, but config.json asks for %s"
                                .formatted(
                                        name,
                                        Arrays.toString(entry.shape()),
                                        Arrays.toString(target.shape())));
            }
            if (target.device().equals(Device.cpu())
                    && target.isDense()
                    && file.gives(name, target.dtype())) {
                file.read(name, target.dtype(), target.memory());
                return;
            }
            try (var _ = TensorScope.open("load");
                    Arena arena = Arena.ofConfined()) {
                target.copyInPlace(
                        Tensor.ofMemory(
                                Device.cpu(),
                                entry.dtype(),
                                file.read(name, arena),
                                entry.shape()));
            }
        }
    }
}
