package org.attune.policy;

import org.attune.model.layer.BlockPresence;
import org.attune.model.layer.Decoder;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.ranks.RankParts;
import org.attune.ranks.ServingCollective;
import org.attune.tensor.IdlePages;
import org.attune.tensor.Tensor;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/// Trained weights of which each process keeps its part: the third stage of ZeRO
/// ([Rajbhandari et al. 2020](https://arxiv.org/abs/1910.02054), Sec. 5.3). Of the float32 values
/// each has those that its optimizer updates. Before a block is computed they are gathered and
/// rounded to what passes read; both go again afterwards. Values beside the blocks, of embedding
/// and output layer, are whole everywhere.
///
/// Addresses stay: it is pages that come and go ([IdlePages]).
final class CutWeights implements ServingCollective.Shelf, BlockPresence.Source {
    private static final String WHAT = "weights";
    private static final int NONE = -1;

    private final ServingCollective ranks;
    private final BlockPresence presence;
    private final RankParts parts;
    private final Tensor values;
    private final List<List<RankParts.Stretch>> blocks; // what each has of the values
    private final List<RankParts.Stretch> others; // what is beside the blocks
    private final List<IdlePages> foreign; // values of each block that other processes update
    private final List<IdlePages> computed; // what passes read of each block
    private final IntConsumer compute;
    private int shown = NONE; // whose values are whole here
    private boolean closed;

    /// Lets all values go that this process doesn't update, and what passes read. All processes
    /// make this call.
    ///
    /// @param flat float32 values on a processor; borrowed
    /// @param decoder computes with them; borrowed
    /// @param blocks parameters of each block
    /// @param compute has values of a block rounded to what passes read
    CutWeights(
            ServingCollective ranks,
            ParameterSpace flat,
            Decoder decoder,
            List<List<Parameter>> blocks,
            IntConsumer compute) {
        this.ranks = ranks;
        this.compute = compute;
        presence = decoder.presence();
        values = flat.values();
        parts = new RankParts(ranks.carrier(), flat.count());
        this.blocks = blocks.stream().map(CutWeights::stretches).toList();
        List<Parameter> beside = new ArrayList<>(flat.parameters());
        blocks.forEach(beside::removeAll);
        others = stretches(beside);
        foreign = this.blocks.stream().map(this::foreign).toList();
        computed = decoder.takeBlockMemory().stream().map(IdlePages::new).toList();
        ranks.add(this);
        foreign.forEach(IdlePages::leave);
        presence.moveTo(this);
    }

    private static List<RankParts.Stretch> stretches(List<Parameter> parameters) {
        return RankParts.Stretch.joined(
                parameters.stream()
                        .sorted(Comparator.comparingLong(Parameter::offset))
                        .map(p -> new RankParts.Stretch(p.offset(), p.offset(), p.count()))
                        .toList());
    }

    private IdlePages foreign(List<RankParts.Stretch> block) {
        MemorySegment memory = values.memory();
        return new IdlePages(
                IntStream.range(0, ranks.size())
                        .filter(rank -> rank != ranks.rank())
                        .boxed()
                        .flatMap(rank -> parts.runs(rank, block).stream())
                        .sorted(Comparator.comparingLong(RankParts.Run::row))
                        .map(
                                run ->
                                        memory.asSlice(
                                                run.row() * Float.BYTES,
                                                run.length() * Float.BYTES))
                        .toList());
    }

    /// Bytes that leave this process's memory when no block is needed.
    long bytes() {
        return IntStream.range(0, blocks.size())
                .mapToLong(block -> foreign.get(block).bytes() + computed.get(block).bytes())
                .sum();
    }

    /// Has all values of the block that a parameter is of here, until those of another one are
    /// asked for.
    void show(Parameter parameter) {
        for (int block = 0; block < blocks.size() && !closed; block++) {
            for (RankParts.Stretch s : blocks.get(block)) {
                if (s.start() <= parameter.offset()
                        && parameter.offset() < s.start() + s.length()) {
                    show(block);
                    return;
                }
            }
        }
    }

    private void show(int block) {
        if (shown != block) {
            hide();
            shown = block;
            ranks.need(this, block);
        }
    }

    private void hide() {
        if (shown != NONE) {
            foreign.get(shown).leave();
            shown = NONE;
        }
    }

    @Override
    public void fetch(int block) {
        show(block);
        computed.get(block).comeBack();
        compute.accept(block);
        hide();
    }

    @Override
    public void release(int block) {
        computed.get(block).leave();
    }

    @Override
    public int size() {
        return blocks.size();
    }

    @Override
    public void give(int block, boolean needed) {
        if (needed) {
            foreign.get(block).comeBack();
        }
        parts.gather(WHAT, values, blocks.get(block), needed);
    }

    /// Gets the values beside the blocks that other processes have changed. All of them make this
    /// call, and [#changed] when that is rounded.
    void gatherOthers() {
        hide();
        ranks.barrier(WHAT); // nobody needs values of before any more
        parts.gather(WHAT, values, others, true);
    }

    /// Says that values have changed: blocks that are needed now are computed with these.
    void changed() {
        hide();
        presence.changed();
    }

    /// Has all values replaced. All processes make this call.
    ///
    /// @param write writes each of them
    void replace(Runnable write) {
        hide();
        foreign.forEach(IdlePages::comeBack);
        write.run();
        foreign.forEach(IdlePages::leave);
    }

    /// Lets the memory be used for something else. Other processes still get this one's values.
    @Override
    public void close() {
        closed = true;
        foreign.forEach(IdlePages::close);
        computed.forEach(IdlePages::close);
    }
}
