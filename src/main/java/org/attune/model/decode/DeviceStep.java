package org.attune.model.decode;

import org.attune.error.StopRequest;
import org.attune.images.SeenPicture;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.AdapterRows;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.LlamaBlock;
import org.attune.model.layer.RmsNorm;
import org.attune.model.layer.VirtualTokens;
import org.attune.model.pass.HeadNorms;
import org.attune.model.pass.HeadViews;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Rope;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.FlashAttention;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.VectorKernels;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// The forward pass of new tokens over a [KvCache] on a GPU, by kernels of our own and flash
/// attention: 14 launches a block. What it makes lives in the scope in which it is made.
///
/// Shapes: as of [CachedStep].
final class DeviceStep {
    private final Decoder decoder;
    private final DecoderConfig config;
    private final AdapterRows rows;
    private final Adapter adapter; // of everything but linear layers
    private final KvCache cache;
    private final List<LlamaBlock> blocks;
    private final Layout layout;
    private final VectorKernels.RotatedHeads heads;
    private final Tensor tokens; // (N)
    private final DeviceKernels.CachePlaces places;
    private final FlashCache attention;
    private final Map<Integer, Tensor> inputs = new HashMap<>(); // of layers, by width

    private DeviceStep(
            Decoder decoder,
            AdapterRows rows,
            KvCache cache,
            List<NewTokens> additions,
            List<LlamaBlock> blocks,
            long worth) {
        this.decoder = decoder;
        this.rows = rows;
        adapter = rows.elsewhere();
        this.cache = cache;
        this.blocks = blocks;
        config = decoder.config();
        heads = Rope.heads(config);
        layout = cache.layout(config, additions);
        // What is sent is made before anything is computed: so it goes together.
        tokens = decoder.input().index(layout.tokens());
        places = places(additions);
        attention = new FlashCache(decoder, cache, additions, worth);
    }

    /// Empty where it can't be done: kernels know Llama's blocks in bfloat16.
    ///
    /// @param additions new tokens of different slots
    static Optional<DeviceStep> of(
            Decoder decoder, AdapterRows rows, KvCache cache, List<NewTokens> additions) {
        return of(decoder, rows, cache, additions, FlashCache.WORTH);
    }

    /// @param worth as [FlashCache] takes it
    static Optional<DeviceStep> of(
            Decoder decoder,
            AdapterRows rows,
            KvCache cache,
            List<NewTokens> additions,
            long worth) {
        return suits(decoder)
                        && !seesPictures(additions)
                        && !readsPrefix(decoder, rows.elsewhere(), additions)
                ? decoder.llamaBlocks()
                        .map(
                                blocks ->
                                        new DeviceStep(
                                                decoder, rows, cache, additions, blocks, worth))
                : Optional.empty();
    }

    private static boolean seesPictures(List<NewTokens> additions) {
        return additions.stream()
                .anyMatch(a -> Arrays.stream(a.ids()).anyMatch(SeenPicture::seesAhead));
    }

    /// Whether keys and values of an adapter's prefix are among what is to be written.
    private static boolean readsPrefix(
            Decoder decoder, Adapter adapter, List<NewTokens> additions) {
        return decoder.input()
                .virtual(adapter)
                .filter(VirtualTokens::isPrefix)
                .filter(v -> additions.stream().anyMatch(a -> !v.starts(a.ids()).isEmpty()))
                .isPresent();
    }

    private static boolean suits(Decoder decoder) {
        DecoderConfig config = decoder.config();
        Device device = decoder.device();
        DType dtype = decoder.dtype();
        return DeviceKernels.serve(device, dtype)
                && FlashAttention.serves(device, dtype, config.headDim())
                && DeviceKernels.servesWidth(config.hiddenSize())
                && DeviceKernels.servesWidth(config.intermediateSize());
    }

    private DeviceKernels.CachePlaces places(List<NewTokens> additions) {
        int n = layout.size();
        int[] slots = new int[n];
        int row = 0;
        for (NewTokens addition : additions) {
            for (int i = 0; i < addition.ids().length; i++) {
                slots[row++] = addition.slot();
            }
        }
        Rope.Angles angles = Rope.Angles.of(config, layout, decoder.device());
        return new DeviceKernels.CachePlaces(
                ints(slots),
                ints(layout.positions()),
                ints(IntStream.range(0, n).toArray()),
                angles.cos(),
                angles.sin());
    }

    private Tensor ints(int[] numbers) {
        MemorySegment memory = MemorySegment.ofArray(numbers);
        return Tensor.ofMemory(decoder.device(), DType.INT32, memory, numbers.length);
    }

    /// Computes all blocks.
    ///
    /// @return output of the last block, `(N, D)`
    Tensor run() {
        Tensor x =
                decoder.input()
                        .forward(tokens, layout.tokens(), layout.positions(), adapter); // (N, D)
        for (LlamaBlock block : blocks) { // before the scopes of blocks
            block.linears().forEach(this::input);
        }
        Tensor added = null; // (N, D), what the block before puts out
        for (int i = 0; i < blocks.size(); i++) {
            StopRequest.check();
            try (var scope = TensorScope.open("block")) {
                Tensor out = scope.keep(block(i, x, added));
                if (added != null) {
                    added.close();
                }
                added = out;
            }
        }
        return x.addInPlace(added);
    }

    /// Computes one block.
    ///
    /// @param x residual stream, `(N, D)`; changed
    /// @param added to it before, or null: nothing
    /// @return what is to be added to it then, `(N, D)`
    private Tensor block(int layer, Tensor x, Tensor added) {
        LlamaBlock b = blocks.get(layer);
        Tensor y = normed(b.inputNorm(), x, added, b.qkv()); // (N, (CG + 2C) K)
        HeadNorms.apply(b.attention(), y, config, adapter);
        DeviceKernels.append(y, heads, places, cache.rows(layer), cache.places());
        Tensor o = input(b.output()); // (N, CGK + …)
        Tensor queries = HeadViews.queries(y, config); // rotated and scaled
        HeadViews.queries(o, config)
                .copyInPlace(attention.attend(queries, layer, 1, b.attention().window()));
        Tensor attended = b.output().forward(o, rows, null); // (N, D)
        Tensor inner = normed(b.postNorm(), x, attended, b.gateUp()); // (N, 2F)
        Tensor a = input(b.down()); // (N, F + …)
        DeviceKernels.swiglu(inner, a);
        return b.down().forward(a, rows, null);
    }

    /// A layer of a norm of a sum.
    private Tensor normed(RmsNorm norm, Tensor x, Tensor added, FusedLinear linear) {
        Tensor h = input(linear);
        norm.addForward(x, added, h, adapter);
        return linear.forward(h, rows, null);
    }

    /// Memory for a layer's input, which all layers of its width use in turn.
    ///
    /// @return `(N, in + …)`
    private Tensor input(FusedLinear linear) {
        return inputs.computeIfAbsent(
                linear.in() + linear.extra(adapter),
                width ->
                        DeviceKernels.rows(
                                decoder.device(), decoder.dtype(), layout.size(), width));
    }
}
