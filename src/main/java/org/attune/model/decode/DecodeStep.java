package org.attune.model.decode;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.LlamaBlock;
import org.attune.model.layer.RmsNorm;
import org.attune.model.pass.HeadNorms;
import org.attune.model.pass.Layout;
import org.attune.tensor.CacheAttention;
import org.attune.tensor.DType;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// One more token for each of up to `n` sequences over a [KvCache] on a GPU, from tokens to logits:
/// 14 launches a block, by kernels of our own and products. What changes from token to token stands
/// on the device ([#put]), and all memory is there before. So [#run] asks for the same launches
/// with the same arguments each time, and can be recorded as a graph. Rows without a sequence
/// attend to nothing and write nothing into the cache.
///
/// Shapes: as of [DecodeMemory].
final class DecodeStep implements AutoCloseable {
    private final TensorScope scope = TensorScope.detached("decode-step");
    private final Decoder decoder;
    private final Adapter adapter;
    private final KvCache cache;
    private final int rows;
    private final List<LlamaBlock> blocks;
    private final DecodeMemory memory;
    private final DecodeMemory.Rows own;
    private final CacheAttention attention;
    private final Map<Integer, Tensor> layerInputs = new HashMap<>(); // (n, width)

    /// @param memory borrowed, of at least `rows` rows
    /// @param rows `n`
    DecodeStep(Decoder decoder, Adapter adapter, KvCache cache, DecodeMemory memory, int rows) {
        this.decoder = decoder;
        this.adapter = adapter;
        this.cache = cache;
        this.memory = memory;
        this.rows = rows;
        blocks = decoder.llamaBlocks().orElseThrow();
        attention = memory.attention(rows);
        try (var _ = scope.enter()) {
            own = memory.rows(rows);
            for (FusedLinear linear : decoder.blockLinears()) {
                int width = width(linear);
                layerInputs.computeIfAbsent(width, _ -> memory.layerInput(rows, width));
            }
            int width = decoder.config().hiddenSize();
            layerInputs.computeIfAbsent(width, _ -> memory.layerInput(rows, width));
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    /// Why a decoder's tokens can't be computed so; empty if they can.
    static Optional<String> obstacle(Decoder decoder, Adapter adapter) {
        DecoderConfig config = decoder.config();
        if (!CacheAttention.serves(decoder.device(), decoder.dtype(), config.headDim())) {
            return Optional.of("there are no kernels for it");
        }
        if (decoder.llamaBlocks().isEmpty()) {
            return Optional.of("it has " + String.join(", ", config.unlikeLlama()));
        }
        if (!DeviceKernels.servesWidth(config.hiddenSize())
                || !DeviceKernels.servesWidth(config.intermediateSize())) {
            return Optional.of("its widths are no multiples of 8");
        }
        if (config.positions().dependsOnLength()) {
            return Optional.of("its rotary frequencies depend on the length");
        }
        if (!decoder.input().canWrite()) {
            return Optional.of("its embeddings are scaled");
        }
        if (!(decoder.finalNorm() instanceof RmsNorm)) {
            return Optional.of("its last norm is no RMS norm");
        }
        if (!decoder.output().canWrite(adapter)) {
            return Optional.of("its output layer has an adapter, a bias or a cap");
        }
        return decoder.blockLinears().stream().allMatch(linear -> linear.canWrite(adapter))
                ? Optional.empty()
                : Optional.of("its adapter is a frozen one, or scales");
    }

    /// Sends which tokens are read next.
    ///
    /// @param slots of the cache, at most `n`
    /// @param ids one for each
    void put(int[] slots, int[] ids) {
        boolean placesPictures = decoder.config().placesPictures();
        int[] numbers = new int[DecodeMemory.INPUTS * rows];
        Arrays.fill(numbers, rows, 2 * rows, -1); // no slot
        for (int i = 0; i < slots.length; i++) {
            numbers[i] = ids[i];
            numbers[rows + i] = slots[i];
            int place = cache.held(slots[i]);
            numbers[2 * rows + i] = place;
            numbers[3 * rows + i] =
                    placesPictures ? Layout.positionBehind(cache.with(slots[i])) : place;
        }
        try (var _ = TensorScope.open("decode-inputs")) {
            MemorySegment data = MemorySegment.ofArray(numbers);
            own.inputs()
                    .copyInPlace(
                            Tensor.ofMemory(decoder.device(), DType.INT32, data, numbers.length));
        }
    }

    /// Makes all launches.
    void run() {
        try (var _ = TensorScope.open("decode-step")) {
            decoder.input().forwardInto(own.tokens(), adapter, own.residual());
            Tensor added = null; // what the block before put out
            for (int i = 0; i < blocks.size(); i++) {
                block(i, added);
                added = own.added();
            }
            Tensor h = layerInputs.get(decoder.config().hiddenSize());
            RmsNorm last = (RmsNorm) decoder.finalNorm();
            last.addForward(own.residual(), added, h, adapter);
            decoder.output().logitsInto(h, adapter, own.logits());
        }
    }

    private void block(int layer, Tensor before) {
        LlamaBlock b = blocks.get(layer);
        normed(b.inputNorm(), before, b.qkv(), own.projections());
        HeadNorms.apply(b.attention(), own.projections(), decoder.config(), adapter);
        Tensor keysAndValues = cache.rows(layer);
        DeviceKernels.append(
                own.projections(), memory.heads(), own.places(), keysAndValues, cache.places());
        Tensor o = layerInputs.get(width(b.output())); // (n, CGK + …)
        attention.attend(own.projections(), own.places(), keysAndValues, b.attention().window(), o);
        b.output().forwardInto(o, adapter, own.added());
        normed(b.postNorm(), own.added(), b.gateUp(), own.inner());
        Tensor a = layerInputs.get(width(b.down())); // (n, F + …)
        DeviceKernels.swiglu(own.inner(), a);
        b.down().forwardInto(a, adapter, own.added());
    }

    /// A layer of a norm of the residual stream plus what was added.
    private void normed(RmsNorm norm, Tensor added, FusedLinear linear, Tensor out) {
        Tensor h = layerInputs.get(width(linear));
        norm.addForward(own.residual(), added, h, adapter);
        linear.forwardInto(h, adapter, out);
    }

    private int width(FusedLinear linear) {
        return linear.in() + linear.extra(adapter);
    }

    /// Logits of the first `count` rows, a view `(count, V)` in the current scope, valid until the
    /// next step over the same memory.
    Tensor logits(int count) {
        return own.logits().narrow(0, 0, count);
    }

    @Override
    public void close() {
        scope.close();
    }
}
