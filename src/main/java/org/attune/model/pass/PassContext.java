package org.attune.model.pass;

import org.attune.error.ModelException;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Dropout;
import org.attune.model.layer.RouterWatch;
import org.attune.model.layer.SelfAttention;
import org.attune.model.layer.Succession;
import org.attune.model.layer.VirtualTokens;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.OwnPages;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// What all blocks of one pass share. Owns position tables and masks; close it with the pass.
final class PassContext implements AutoCloseable {
    /// From so many rows on attention takes far longer than fresh pages do.
    private static final int LONG = 4096;

    /// From such a hidden size on products take far longer than fresh pages do.
    private static final int WIDE = 2048;

    private final TensorScope scope = TensorScope.detached("pass");
    private final DecoderConfig config;
    private final Layout layout;
    private final Adapter adapter;
    private final Optional<VirtualTokens.Prefix> prefix;
    private final Dropout dropout;
    private final Tensor tokens;
    private final SideTensors sides = new SideTensors(scope);
    private final Ropes ropes;
    private final Attention attention;
    private final Optional<RouterWatch> routers;
    private final Device device;
    private final DType dtype;
    private final Optional<JointHeads> joint;
    private final Optional<FlashHeads> flash;
    private final Map<Scratch, Tensor> scratch = new EnumMap<>(Scratch.class);
    private final boolean affordsPages;
    private boolean stays;
    private Succession succession; // made when it is asked for

    /// Places of [#scratch].
    enum Scratch {
        FIRST,
        SECOND
    }

    /// @param prefix rows whose keys and values the adapter gives
    /// @param routers counts what routers choose, if anything does
    /// @param keeps whether activations are kept for a backward pass
    PassContext(
            Decoder decoder,
            Layout layout,
            Adapter adapter,
            Optional<VirtualTokens.Prefix> prefix,
            Dropout dropout,
            Optional<RouterWatch> routers,
            boolean keeps) {
        config = decoder.config();
        this.layout = layout;
        this.adapter = adapter;
        this.prefix = prefix;
        this.dropout = dropout;
        this.routers = routers;
        device = decoder.device();
        dtype = decoder.dtype();
        try (var _ = scope.enter()) {
            // First, so that a GPU gets it with what the rotation needs.
            int[] read = decoder.input().read(layout.tokens(), adapter);
            tokens = Tensor.ofInts(device, read, layout.size());
            flash =
                    prefix.isPresent()
                            ? Optional.empty()
                            : FlashHeads.of(config, layout, device, dtype);
            ropes = Ropes.of(config, layout, device, dtype);
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
        affordsPages =
                keeps && !device.isGpu() && (layout.size() >= LONG || config.hiddenSize() >= WIDE);
        attention = new Attention(config.attention(), layout, device, dtype, scope);
        joint =
                JointHeads.suits(config, layout, device, dtype)
                        ? Optional.of(new JointHeads(config, layout, dtype))
                        : Optional.empty();
    }

    /// Attention over a block's projections.
    ///
    /// @param projections makes them, `(N, (CG + 2C) K)`; they are changed, and kept or copied and
    ///     freed
    /// @param out its first columns are written, `(N, CGK + …)`
    Attended attend(SelfAttention b, Supplier<Tensor> projections, Tensor out) {
        if (joint.isPresent()) {
            return joint.get().forward(b, projections.get(), out, this);
        }
        return isFlash(b)
                ? flash.get().forward(b, projections.get(), out, this)
                : SplitHeads.forward(b, projections, out, this);
    }

    private boolean isFlash(SelfAttention b) {
        return flash.isPresent() && flash.get().sees(b.window());
    }

    /// Computes again what attention's backward pass needs, where attention's output is there.
    Attended attendAgain(SelfAttention b, Supplier<Tensor> projections, KeptAttention kept) {
        if (joint.isPresent()) {
            return JointHeads.again(b, projections.get(), kept.logs(), this);
        }
        return isFlash(b)
                ? flash.get().again(b, projections.get(), kept.logs(), this)
                : SplitHeads.again(b, projections, this);
    }

    /// @param out what [#attend] wrote
    /// @param dOut its gradient
    /// @return gradient of the projections, `(N, (CG + 2C) K)`
    Tensor attendBackward(SelfAttention b, Tensor out, Tensor dOut, Attended attended) {
        return switch (attended) {
            case Attended.Joint saved -> joint.orElseThrow().backward(b, out, dOut, saved, this);
            case Attended.Flash saved -> flash.orElseThrow().backward(b, out, dOut, saved, this);
            case Attended.Split saved -> SplitHeads.backward(b, dOut, saved, this);
        };
    }

    /// Memory for temporaries that all blocks use in turn. What a block makes and frees between the
    /// activations that stay would leave gaps between them, a fifth of all memory with long rows.
    /// What was there before is overwritten.
    ///
    /// @return `(N, columns)`, a view in the current scope
    Tensor scratch(Scratch place, long columns) {
        return scratch(place, columns, columns);
    }

    /// Memory for temporaries of a kernel, whose rows may be apart.
    Tensor scratchRows(Scratch place, long columns) {
        return scratch(place, columns, DeviceKernels.stride(device, dtype, columns));
    }

    private Tensor scratch(Scratch place, long columns, long stride) {
        long[] shape = {size(), columns};
        long numbers = size() * stride;
        Tensor memory = scratch.get(place);
        if (memory == null || memory.size() < numbers) {
            if (memory != null) {
                memory.close();
            }
            memory = scope.adopt(Tensor.empty(device, dtype, numbers));
            scratch.put(place, memory);
        }
        return memory.viewAs(shape, new long[] {stride, 1}, 0);
    }

    /// Says whether what is made from now on stays until the backward pass. Between temporaries it
    /// would leave gaps when they are freed, a fourth of all memory with long rows, so there and
    /// in wide models it gets its own pages. Elsewhere the time for fresh pages would be felt.
    void makesWhatStays(boolean stays) {
        this.stays = stays;
        ownPages(stays);
    }

    /// Makes something that won't stay, by way of other such tensors.
    Tensor temporary(Supplier<Tensor> work) {
        ownPages(false);
        Tensor made = work.get();
        ownPages(stays);
        return made;
    }

    private void ownPages(boolean own) {
        if (affordsPages) {
            OwnPages.use(own);
        }
    }

    Device device() {
        return device;
    }

    DType dtype() {
        return dtype;
    }

    DecoderConfig config() {
        return config;
    }

    int size() {
        return layout.size();
    }

    Adapter adapter() {
        return adapter;
    }

    /// Rows whose keys and values the adapter gives.
    Optional<VirtualTokens.Prefix> prefix() {
        return prefix;
    }

    Dropout dropout() {
        return dropout;
    }

    /// Counts what routers choose, if anything does.
    Optional<RouterWatch> routers() {
        return routers;
    }

    /// Tokens of the rows, `(N)`.
    Tensor tokens() {
        return tokens;
    }

    /// Ids of the rows' tokens, `(N)`.
    int[] ids() {
        return layout.tokens();
    }

    /// What blocks give to later ones.
    SideTensors sides() {
        return sides;
    }

    /// The rotation of layers with this window; 0 is none.
    Rope rope(int window) {
        return ropes.of(window);
    }

    /// The rotation of layers without a window.
    Rope rope() {
        return ropes.all();
    }

    /// The rotation of a block's queries and keys.
    Rope rope(SelfAttention block) {
        return ropes.of(block);
    }

    /// Which rows follow which, for mixers with a state.
    Succession succession() {
        if (succession == null) {
            int depth = config.block().mixers().state().orElseThrow().taps() - 1;
            try (var _ = scope.enter()) {
                succession = new Succession(device, layout.size(), spans(layout), depth, false);
            }
        }
        return succession;
    }

    private static List<Succession.Span> spans(Layout layout) {
        if (layout.spans().stream().anyMatch(span -> !span.seesItself())) {
            throw new ModelException(
                    "a token that sees those before it but not itself can't be computed by layers"
                            + " with a state; judge steps of reasoning with a model of attention"
                            + " alone");
        }
        return layout.spans().stream()
                .map(s -> new Succession.Span(s.parent(), s.start(), s.end()))
                .toList();
    }

    Attention attention() {
        return attention;
    }

    @Override
    public void close() {
        makesWhatStays(false);
        scope.close();
    }
}
