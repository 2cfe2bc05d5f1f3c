package org.attune.model.layer;

import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.images.SeenPicture;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ScoreKind;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.LargePages;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// The weights of a decoder, in one compute dtype on one device. What differs between families
/// stands in [DecoderConfig]. Owns its tensors; use it on the engine thread.
public final class Decoder implements AutoCloseable {
    /// Most bytes of a model's weights of which packed copies are kept.
    public static final long MOST_PACKED_BYTES = 1L << 30;

    /// Largest weights of which decoding has a copy.
    public static final long MOST_DECODING_BYTES = 3L << 30;

    private final TensorScope scope = TensorScope.detached("decoder");
    private final DecoderConfig config;
    private final Device device;
    private final DType dtype;
    private final InputLayer input;
    private final List<Block> blocks = new ArrayList<>();
    private final Optional<List<LlamaBlock>> llamaBlocks;
    private final Norm finalNorm;
    private final OutputLayer output;
    private final Optional<VisionTower> tower;
    private final Optional<PictureRows> pictures;
    private final boolean packs;
    private final BlockPresence presence;
    private final boolean ownsBlocks;
    private int headRows = Integer.MAX_VALUE;
    private final Optional<CodedLoader> coding;
    private boolean changes;

    private Decoder(
            DecoderConfig config, TensorFile file, Device device, DType dtype, Storage storage) {
        this.config = config;
        this.device = device;
        this.dtype = dtype;
        packs =
                config.unwritten().isEmpty()
                        && PackedMatrix.isUseful(device, dtype)
                        && config.productNumbers() * dtype.bytes() <= MOST_PACKED_BYTES;
        TensorFile named = named(config, file);
        WeightShapes.check(config, named);
        coding = CodedLoader.of(config.names(), named, scope, dtype, storage);
        var loader = loader(named);
        input = loader.input();
        for (int i = 0; i < config.layers(); i++) {
            blocks.add(loader.block(i));
        }
        presence = new BlockPresence(blocks);
        ownsBlocks = true;
        llamaBlocks =
                config.unlikeLlama().isEmpty()
                        ? Optional.of(blocks.stream().map(LlamaBlock::of).toList())
                        : Optional.empty();
        finalNorm = loader.norm(config.names().finalNormPath(), config.hiddenSize());
        output = output(loader);
        // In ordinary operators, which read the numbers themselves.
        var plain = new WeightLoader(config, named, scope, device, dtype, false, Optional.empty());
        tower = config.vision().map(v -> new VisionTower(v, plain, config.hiddenSize()));
        pictures = tower.map(t -> new PictureRows(t, embedding()));
        UnreadTensors.refuse(config, named, loader.read());
        UnreadTensors.refuseOfVision(config, named, plain.read());
    }

    /// The blocks of another decoder under their own score head.
    private Decoder(Decoder trunk, DecoderConfig config, TensorFile head) {
        this.config = config;
        device = trunk.device;
        dtype = trunk.dtype;
        packs = false;
        coding = trunk.coding;
        input = trunk.input;
        blocks.addAll(trunk.blocks);
        presence = trunk.presence;
        ownsBlocks = false;
        llamaBlocks = trunk.llamaBlocks;
        finalNorm = trunk.finalNorm;
        tower = trunk.tower;
        pictures = trunk.pictures;
        output = output(loader(head));
    }

    private WeightLoader loader(TensorFile file) {
        return new WeightLoader(config, file, scope, device, dtype, packs, coding);
    }

    private OutputLayer output(WeightLoader loader) {
        String path = config.names().outputPath(config);
        String name = path + ".weight";
        return new OutputLayer(
                config.tiesOutput()
                        ? new Weight(name, embedding().base())
                        : loader.weight(name, config.outputRows(), config.hiddenSize()),
                (config.scores() ? config.scoreKind().hasBias() : config.ends().outputBias())
                        ? Optional.of(loader.weight(path + ".bias", config.outputRows()))
                        : Optional.empty(),
                config.scores() ? 1 : config.ends().logitScale(),
                config.scores() ? 0 : config.ends().softcap(),
                packs ? Optional.of(scope) : Optional.empty());
    }

    /// Makes the copies of weights in the layout that products like best, where there are to be
    /// such: a pass would make them too, but they would scatter its activations. Call it when it is
    /// clear what is trained.
    public void pack() {
        linears().forEach(l -> Engine.leavingCores(l::pack));
        output.pack();
    }

    /// Makes copies of weights for backward passes too, and frees the weights, which are made again
    /// from a copy when they are asked for. A fifth of the time of these passes' products, in the
    /// same memory. Gradients may differ in the last bit of the compute dtype.
    public void packBackward() {
        linears().forEach(l -> Engine.leavingCores(l::packBackward));
    }

    /// Whether there are copies for backward passes.
    public boolean packsBackward() {
        return linears().stream().anyMatch(FusedLinear::packsBackward);
    }

    /// Has decoding take all blocks in one piece, where the processor has the kernels for it and
    /// the weights are at most [#MOST_DECODING_BYTES]: half to two thirds of a token's time. It
    /// reads the copy that forward passes read, which is put into large pages; models that have
    /// none, since they are too large to have it beside the weights, get one.
    public void packDecoding() {
        if (canPackDecoding()) {
            long numbers = decodingCopies().mapToLong(DecodingCopy::numbers).sum();
            try (var memory = new LargePages(device, dtype, numbers, blockLinears().size())) {
                decodingCopies().forEach(c -> c.serve(memory.take(scope, c.numbers())));
            }
        }
    }

    /// Packs for decoding as [#packDecoding] does, where that takes no memory, not even for a
    /// moment: the copy stays where it is.
    public void packDecodingInPlace() {
        if (packs && canPackDecoding()) {
            decodingCopies().forEach(DecodingCopy::serve);
        }
    }

    private Stream<DecodingCopy> decodingCopies() {
        return blockLinears().stream().map(FusedLinear::decodingCopy);
    }

    private boolean canPackDecoding() {
        return TokenKernel.suits(config, device, dtype)
                && !decodingCopies().allMatch(DecodingCopy::serves)
                && config.productNumbers() * dtype.bytes() <= MOST_DECODING_BYTES
                && blocks.stream().allMatch(Block::canServeTokens);
    }

    /// Keeps nothing but what forward passes read, with the adapter that is attached: half of the
    /// memory where products read packed copies, which larger models then have too. Afterwards
    /// nothing can be attached, merged or trained. Models whose weights are trained, or that carry
    /// frozen adapters, stay as they are.
    public void keepForward() {
        if (!config.unwritten().isEmpty()) {
            return; // ordinary operators read the weights themselves
        }
        blockLinears().forEach(FusedLinear::keepForward); // encoders use ordinary operators
        output.pack();
        Engine.giveBackFreedMemory();
    }

    /// Memory of the processor with numbers of the base model, in whichever form, that stay as
    /// they are from now on; in an order that is the same in every process. None on other devices.
    public List<MemorySegment> frozenMemory() {
        if (device.isGpu()) {
            return List.of();
        }
        List<MemorySegment> frozen = new ArrayList<>();
        embedding().frozenMemory().forEach(frozen::add);
        if (!config.tiesOutput()) {
            output.weight().frozenMemory().forEach(frozen::add);
        }
        frozen.addAll(output.frozenMemory());
        if (!presence.varies()) {
            linears().forEach(l -> frozen.addAll(l.frozenMemory()));
        }
        return frozen;
    }

    /// Whether blocks' own weights are trained, or will change otherwise.
    public boolean changes() {
        return changes || linears().stream().anyMatch(FusedLinear::trainsBase);
    }

    /// Names of the weights that Spectrum would train, by the singular values of the matrices
    /// ([Hartford et al. 2024](https://arxiv.org/abs/2406.06623)): of each kind of matrix in the
    /// blocks the share that stands out most from noise, the embedding and the output layer.
    ///
    /// @param share in (0, 1]
    public Set<String> leastNoisy(double share) {
        return SignalToNoise.best(this, share);
    }

    /// Whether rows of an adapter can stand beside others' in a pass over a cache ([AdapterRows]):
    /// it is off, or a frozen one that changes linear layers alone. A kernel that decodes
    /// ([#packDecoding]) takes LoRA and DoRA without biases. With pictures it joins none.
    public boolean joins(Adapter adapter) {
        return (pictures.isEmpty() || adapter.equals(Adapter.OFF))
                && !input.differs(adapter)
                && blocks.stream().allMatch(block -> block.joins(adapter))
                && finalNorm.weights().stream().noneMatch(w -> w.differs(adapter))
                && !output.differs(adapter);
    }

    /// Number of the first block that a backward pass with an adapter must reach: 0 where what the
    /// blocks read is trained, the number of blocks where none of this is.
    public int firstLearning(Adapter adapter) {
        if (input.learns(adapter) || pictures.filter(p -> p.learns(adapter)).isPresent()) {
            return 0;
        }
        return IntStream.range(0, blocks.size())
                .filter(i -> blocks.get(i).learns(adapter))
                .findFirst()
                .orElse(blocks.size());
    }

    /// Memory of the processor with the weights of each block's layers, in whichever form. It may
    /// lose its numbers from now on whenever nobody [needs][BlockPresence#need] the block. Norms
    /// and biases stay.
    ///
    /// @return in the order of the blocks; what is where is the same in every process
    public List<List<MemorySegment>> takeBlockMemory() {
        return blocks.stream()
                .map(b -> b.linears().stream().flatMap(l -> l.takeMemory().stream()).toList())
                .toList();
    }

    /// The base weight of a part of linear layers of this decoder, `(out, in)`: a view, or a copy
    /// in the current scope where weights come and go.
    public Tensor weight(FusedLinear linear, int part) {
        OptionalInt block = presence.varies() ? blockOf(linear) : OptionalInt.empty();
        if (block.isEmpty()) {
            return linear.weight(part);
        }
        try (var _ = presence.hold(block.getAsInt())) {
            return linear.weight(part).copy();
        }
    }

    /// Empty for a layer beside the blocks.
    private OptionalInt blockOf(FusedLinear linear) {
        return IntStream.range(0, blocks.size())
                .filter(i -> blocks.get(i).linears().contains(linear))
                .findFirst();
    }

    /// Which blocks' weights are in memory. Passes say what they need; who reads weights otherwise
    /// says so too.
    public BlockPresence presence() {
        return presence;
    }

    /// Has passes read the numbers themselves, without copies, since they will change.
    public void keepPlain() {
        changes = true;
        linears().forEach(FusedLinear::keepPlain);
        output.keepPlain();
    }

    /// Loads the weights. Tensors beside the blocks are passed over, as the heads of other tasks;
    /// tensors in the blocks that nothing here computes with are refused.
    ///
    /// @param dtype of weights and activations
    /// @throws ModelException if a tensor is missing, of the wrong shape or in the way
    public static Decoder load(DecoderConfig config, TensorFile file, Device device, DType dtype) {
        return load(config, file, device, dtype, Storage.NONE);
    }

    /// Loads the weights, those of linear layers in few bits where `storage` says so: on
    /// processors.
    public static Decoder load(
            DecoderConfig config, TensorFile file, Device device, DType dtype, Storage storage) {
        return new Decoder(config, file, device, dtype, storage);
    }

    /// Whether a model's files hold matrices of linear layers in few bits.
    public static boolean isStoredInFewBits(DecoderConfig config, TensorFile file) {
        TensorFile named = named(config, file);
        return named.entries().keySet().stream().anyMatch(n -> named.bits(n).isPresent());
    }

    private static TensorFile named(DecoderConfig config, TensorFile file) {
        return SplitExperts.of(config, FamilyPrefix.added(config, file));
    }

    /// What is in few bits, and the error that it costs, for the log; empty if all weights are
    /// dense.
    public Optional<String> storage() {
        return coding.flatMap(CodedLoader::summary);
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

    /// Tensors with the names of this decoder's as the family's files hold them: experts of a block
    /// together where they hold them so.
    ///
    /// @param tensors one for each weight; experts' of one dtype
    public List<SafeTensorsWriter.Source> stored(List<SafeTensorsWriter.Source> tensors) {
        return StoredExperts.joined(config, tensors);
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

    /// The blocks in the terms of kernels for whole blocks; empty if they compute something else
    /// ([DecoderConfig#unlikeLlama]).
    public Optional<List<LlamaBlock>> llamaBlocks() {
        return llamaBlocks;
    }

    /// The layer from tokens to what the first block reads.
    public InputLayer input() {
        return input;
    }

    /// `(V, D)`.
    public Weight embedding() {
        return input.tokens();
    }

    public Norm finalNorm() {
        return finalNorm;
    }

    /// The layer from hidden states to logits.
    public OutputLayer output() {
        return output;
    }

    /// Linear layers of what makes rows of pictures, in models that see.
    public List<FusedLinear> seeingLinears() {
        return tower.map(VisionTower::linears).orElse(List.of());
    }

    /// Norms of what makes rows of pictures.
    public List<Norm> seeingNorms() {
        return tower.map(VisionTower::norms).orElse(List.of());
    }

    /// Weights of what makes rows of pictures that belong to neither linear layers nor norms.
    public List<Weight> seeingOthers() {
        return tower.map(VisionTower::others).orElse(List.of());
    }

    /// Writes rows of pictures among those of other tokens; nothing, if there are none.
    ///
    /// @param ids of a pass's tokens
    /// @param x what the first block reads, `(N, D)`
    public void see(int[] ids, Tensor x, Adapter adapter, Dropout dropout) {
        pictures.ifPresent(p -> p.put(ids, x, adapter, dropout));
    }

    /// Adds a block's features to rows of pictures, behind one of the first blocks; nothing, if it
    /// has none.
    ///
    /// @param ids of a pass's tokens
    /// @param x what the block gives, `(N, D)`
    public void seeBehind(int block, int[] ids, Tensor x, Adapter adapter, Dropout dropout) {
        pictures.ifPresent(p -> p.add(ids, block, x, adapter, dropout));
    }

    /// Blocks behind which something is added to rows of pictures, of a pass that has some.
    public int seeingDepth(int[] ids) {
        return pictures.isPresent() && Arrays.stream(ids).anyMatch(SeenPicture::isRow)
                ? pictures.get().depth()
                : 0;
    }

    /// Takes the gradients of rows of pictures away from those of other tokens, and back through
    /// what made them.
    ///
    /// @param d gradient of what the first block reads, `(N, D)`
    /// @param deep gradients of what the blocks give behind which something is added
    public void learnSeeing(
            int[] ids, Tensor d, List<Tensor> deep, Adapter adapter, Dropout dropout) {
        pictures.ifPresent(p -> p.learn(ids, d, deep, adapter, dropout));
    }

    /// Keeps rows of pictures in files too, by the content of picture, weights and settings.
    public void keepSeen(Path folder, String settings) {
        pictures.ifPresent(p -> p.keep(folder, settings));
    }

    /// Forgets rows of pictures that were made with weights that have changed.
    public void forgetSeen(Adapter adapter) {
        pictures.ifPresent(p -> p.forget(adapter));
    }

    /// Bytes that the tower and the rows that it made take in a pass, at most.
    public long seeingBytes(Adapter adapter) {
        return pictures.map(p -> p.bytes(adapter)).orElse(0L);
    }

    /// How often a picture has passed forward through the tower.
    public long picturesEncoded() {
        return pictures.map(PictureRows::encoded).orElse(0L);
    }

    /// All linear layers of all blocks.
    public List<FusedLinear> blockLinears() {
        return blocks.stream().flatMap(b -> b.linears().stream()).toList();
    }

    /// All linear layers of all blocks and of the tower.
    public List<FusedLinear> linears() {
        return Stream.concat(blockLinears().stream(), seeingLinears().stream()).toList();
    }

    /// All norms, in the order in which they are computed.
    public List<Norm> norms() {
        var behind = Stream.concat(Stream.of(finalNorm), seeingNorms().stream());
        return Stream.concat(blocks.stream().flatMap(b -> b.norms().stream()), behind).toList();
    }

    /// All weights of blocks and of the tower that belong to neither linear layers nor norms.
    public List<Weight> others() {
        return Stream.concat(
                        blocks.stream().flatMap(b -> b.others().stream()), seeingOthers().stream())
                .toList();
    }

    /// Bounds how many rows of logits a pass makes at once. Numbers agree but for rounding.
    ///
    /// @param most ≥ 1
    public void limitHeadRows(int most) {
        if (most < 1) {
            throw new IllegalArgumentException(most + " rows of logits; accepted: at least 1");
        }
        headRows = most;
    }

    /// Most rows of logits that a pass may make at once.
    public int headRows() {
        return headRows;
    }

    @Override
    public void close() {
        if (ownsBlocks) {
            presence.close();
            pictures.ifPresent(PictureRows::close);
        }
        scope.close();
    }
}
