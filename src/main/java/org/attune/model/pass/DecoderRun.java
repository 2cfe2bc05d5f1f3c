package org.attune.model.pass;

import org.attune.error.StopRequest;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Dropout;
import org.attune.model.layer.ExpertLoad;
import org.attune.model.layer.RouterWatch;
import org.attune.model.layer.VirtualTokens;
import org.attune.tensor.ResidentLimit;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/// One pass through all blocks: forward at construction, backward on request. Owns the activations
/// that backward needs until it is closed. [WrittenBlock] computes the blocks that it knows, and
/// [PlainBlock] all others: it keeps their inputs, whatever is to be computed again.
///
/// The graph is cut at block boundaries. Of blocks that are recomputed forward keeps the inputs,
/// and attention's output if asked ([Recomputation]); backward takes the blocks in reverse,
/// computes such a block again, back-propagates and drops it. Those are the first blocks: when
/// backward reaches them, what the others kept is gone. Of blocks below the first that learns
/// nothing is kept, and backward does not go there.
public final class DecoderRun implements AutoCloseable {
    /// @param backward whether there will be a backward pass
    /// @param recomputed what is computed again there
    /// @param dropout of the trained adapter's inputs
    /// @param plain whether blocks run in ordinary operators with autograd instead of the
    ///     hand-written passes
    /// @param noise on the embeddings
    /// @param routers whether [#loads] are counted
    public record Options(
            boolean backward,
            Recomputation recomputed,
            Dropout dropout,
            boolean plain,
            EmbeddingNoise noise,
            boolean routers) {
        /// Without backward pass and dropout, hand-written.
        public static Options forwardOnly() {
            return forwardOnly(EmbeddingNoise.NONE);
        }

        /// Without backward pass and dropout, hand-written, with noise on the embeddings.
        public static Options forwardOnly(EmbeddingNoise noise) {
            return new Options(false, Recomputation.NONE, Dropout.NONE, false, noise, false);
        }

        /// Says whether [#loads] are counted.
        public Options withRouters(boolean counted) {
            return new Options(backward, recomputed, dropout, plain, noise, counted);
        }
    }

    private final Decoder decoder;
    private final Layout layout;
    private final Options options;
    private final List<Optional<WrittenBlock>> written; // empty: in ordinary operators
    private final PassContext pass;
    private final TensorScope scope = TensorScope.detached("run");
    private final int first; // block that learns
    private final Tensor[] inputs;
    private final Saved[] saved;
    private final KeptAttention[] keptAttention;
    private final Optional<Recorded> recorded;
    private final Tensor hidden;
    private boolean holdsLast;

    /// A forward pass that was made before.
    ///
    /// @param record borrowed; what it holds must not be replaced before the backward pass
    /// @param rows of it, for each token of the layout ([PassRecord#rows])
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Recorded(PassRecord record, int[] rows) {}

    /// Runs forward.
    public DecoderRun(Decoder decoder, Layout layout, Adapter adapter, Options options) {
        this(decoder, layout, adapter, options, Optional.empty());
    }

    /// Runs forward, or takes what there is.
    ///
    /// @param recorded with it, blocks are computed neither plainly nor with dropout or noise
    public DecoderRun(
            Decoder decoder,
            Layout layout,
            Adapter adapter,
            Options options,
            Optional<Recorded> recorded) {
        ResidentLimit.beforePass();
        this.recorded = recorded;
        this.decoder = decoder;
        this.layout = layout;
        this.options = options;
        int count = decoder.blocks().size();
        first = options.backward() ? decoder.firstLearning(adapter) : count;
        written =
                options.plain()
                        ? Collections.nCopies(count, Optional.empty())
                        : WrittenBlock.all(decoder);
        inputs = new Tensor[count];
        saved = new Saved[count];
        keptAttention = new KeptAttention[count];
        pass =
                new PassContext(
                        decoder,
                        layout,
                        adapter,
                        VirtualTokens.Prefix.of(decoder, adapter, layout.tokens()),
                        options.dropout(),
                        options.routers() ? Optional.of(layout.routers()) : Optional.empty(),
                        options.backward());
        try {
            hidden = recorded.map(this::hidden).orElseGet(this::forward);
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private Tensor hidden(Recorded from) {
        if (options.plain()
                || options.dropout().isOn()
                || options.noise().isOn()
                || options.routers()) {
            throw new IllegalArgumentException("what is recorded was computed in another way");
        }
        try (var _ = scope.enter()) {
            return from.record().hidden(from.rows());
        }
    }

    private Tensor forward() {
        Tensor x;
        try (var _ = TensorScope.open("embed")) {
            x =
                    decoder.input()
                            .forward(
                                    pass.tokens(),
                                    layout.tokens(),
                                    layout.positions(),
                                    pass.adapter());
            if (options.noise().isOn()) {
                options.noise().addTo(x, layout);
            }
            decoder.see(layout.tokens(), x, pass.adapter(), options.dropout());
            scope.adopt(x);
        }
        for (int i = 0; i < inputs.length; i++) {
            Tensor out;
            StopRequest.check(); // no weight has changed since the step began
            decoder.presence().need(i);
            try (var _ = TensorScope.open("block")) {
                out = block(i, x);
                decoder.seeBehind(i, layout.tokens(), out, pass.adapter(), options.dropout());
                scope.adopt(out);
            } finally {
                leave(i);
            }
            if (i < first) {
                x.close();
            } else {
                inputs[i] = x;
            }
            x = out;
        }
        pass.routers().ifPresent(RouterWatch::endForward);
        return x;
    }

    /// The backward pass begins with the last block.
    private void leave(int i) {
        if (options.backward() && i == inputs.length - 1) {
            holdsLast = true;
        } else {
            decoder.presence().done(i);
        }
    }

    private Tensor block(int i, Tensor x) {
        if (written.get(i).isEmpty()) {
            return plain(i).forward(x);
        }
        pass.makesWhatStays(true);
        WrittenBlock.Result result = written.get(i).get().forward(x, pass);
        pass.makesWhatStays(false);
        if (i >= first) {
            keep(i, result.saved());
        }
        return result.out();
    }

    private void keep(int i, Saved made) {
        if (!options.recomputed().concerns(i - first)) {
            made.moveTo(scope);
            saved[i] = made;
        } else if (options.recomputed().keepsAttention()
                && made.mixer() instanceof AttentionHalf.Kept attention) {
            keptAttention[i] = KeptAttention.of(attention);
            keptAttention[i].moveTo(scope);
        }
    }

    private PlainBlock plain(int i) {
        return new PlainBlock(decoder.blocks().get(i), pass);
    }

    /// Whether the forward pass was made before.
    public boolean isRecorded() {
        return recorded.isPresent();
    }

    /// Output of the last block, before the final norm, `(N, D)`.
    public Tensor hidden() {
        return hidden;
    }

    /// How routers divide the tokens of each tree of the layout, in order; empty if nothing counts
    /// them.
    public List<ExpertLoad> loads() {
        return pass.routers().map(RouterWatch::loads).orElse(List.of());
    }

    /// Has the backward pass follow derivatives of a loss of the routers.
    ///
    /// @param slopes dLoss/d[ExpertLoad#probabilities] of each of [#loads]
    /// @throws java.util.NoSuchElementException if nothing counts them
    public void balance(List<double[]> slopes) {
        pass.routers().orElseThrow().learn(slopes, hidden);
    }

    /// Logits of some rows of the layout, if they were computed before.
    public Optional<RecordedLogits> logits(int[] sources) {
        return recorded.flatMap(
                from ->
                        from.record()
                                .logits(
                                        Arrays.stream(sources)
                                                .map(source -> from.rows()[source])
                                                .toArray()));
    }

    /// Takes the gradient of [#hidden] through the blocks, the last one first, to the first that
    /// learns, or to the embedding. At most once.
    ///
    /// @param blockDone told the number of each block whose parameters' gradients are finished and
    ///     whose weights the pass does not read any more
    /// @throws org.attune.error.StoppedException if the run is stopped; gradients are half done
    public void backward(Tensor dHidden, IntConsumer blockDone) {
        if (!options.backward()) {
            throw new IllegalStateException("this pass kept nothing for a backward pass");
        }
        try (var _ = TensorScope.open("backward")) {
            Tensor d = dHidden;
            int depth = first == 0 ? decoder.seeingDepth(layout.tokens()) : 0;
            List<Tensor> deep = new ArrayList<>();
            for (int i = inputs.length - 1; i >= first; i--) {
                Tensor dx;
                StopRequest.check(); // what was added to gradients is dropped with the step
                if (i < depth) {
                    deep.addFirst(d.copy());
                }
                decoder.presence().need(i);
                dropLast();
                try (var inner = TensorScope.open("block")) {
                    dx = inner.keep(blockBackward(i, d, inner));
                } finally {
                    decoder.presence().done(i);
                }
                if (d != dHidden) {
                    d.close();
                }
                d = dx;
                blockDone.accept(i);
            }
            if (first == 0) {
                decoder.learnSeeing(layout.tokens(), d, deep, pass.adapter(), options.dropout());
                decoder.input().backward(layout.tokens(), layout.positions(), d, pass.adapter());
            }
            IntStream.range(0, first).map(i -> first - 1 - i).forEach(blockDone);
        }
    }

    private Tensor blockBackward(int i, Tensor d, TensorScope block) {
        if (written.get(i).isEmpty()) {
            return plain(i).backward(inputs[i], d);
        }
        WrittenBlock b = written.get(i).get();
        Saved s = saved[i];
        if (s == null) {
            try (var _ = TensorScope.open("again")) {
                s = again(i, b, block);
                s.moveTo(block);
            }
        }
        Tensor dx = b.backward(d, s, pass);
        saved[i] = null;
        return dx;
    }

    private Saved again(int i, WrittenBlock b, TensorScope block) {
        if (recorded.isEmpty()) {
            return b.again(inputs[i], Optional.ofNullable(keptAttention[i]), pass);
        }
        KeptRows kept = recorded.get().record().kept(i, recorded.get().rows());
        block.adopt(kept.x());
        return b.completed(kept, pass);
    }

    private void dropLast() {
        if (holdsLast) {
            holdsLast = false;
            decoder.presence().done(inputs.length - 1);
        }
    }

    @Override
    public void close() {
        dropLast();
        scope.close();
        pass.close();
    }
}
