package org.attune.model.layer;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/// Which blocks' weights are in memory, where they come and go: what reads a block says that it
/// needs it before, and that it is done with it after. Without a source all of them are always
/// there.
///
/// On the engine thread.
public final class BlockPresence {
    /// Where weights are while no pass needs them.
    public interface Source extends AutoCloseable {
        /// Brings a block's weights to where they were.
        void fetch(int block);

        /// Lets them go.
        void release(int block);

        /// Lets the memory be used for something else.
        @Override
        void close();
    }

    private final List<Block> blocks;
    private final int[] users;
    private Optional<Source> source = Optional.empty();

    BlockPresence(List<Block> blocks) {
        this.blocks = blocks;
        users = new int[blocks.size()];
    }

    /// Has weights come and go from now on; lets all go that nobody needs. What products read
    /// must stay in its form from then on: nothing can be attached, packed or trained.
    ///
    /// @param from what has them; closed with the decoder
    public void moveTo(Source from) {
        source = Optional.of(from);
        for (int block = 0; block < users.length; block++) {
            if (users[block] == 0) {
                release(from, block);
            }
        }
    }

    /// Says that the memory of all blocks is about to be freed.
    void close() {
        source.ifPresent(Source::close);
        source = Optional.empty();
    }

    /// Whether weights come and go.
    public boolean varies() {
        return source.isPresent();
    }

    /// Has a block's weights there until as many calls of [#done] as of this.
    public void need(int block) {
        if (users[block]++ == 0) {
            source.ifPresent(from -> fetch(from, block));
        }
    }

    /// Has all weights fetched anew that are needed now.
    public void changed() {
        for (int block = 0; block < users.length; block++) {
            if (users[block] > 0) {
                int changed = block;
                source.ifPresent(from -> fetch(from, changed));
            }
        }
    }

    private void fetch(Source from, int block) {
        from.fetch(block);
        blocks.get(block).linears().forEach(FusedLinear::arrived);
    }

    /// Says that a block's weights are not read any more.
    public void done(int block) {
        if (--users[block] == 0) {
            source.ifPresent(from -> release(from, block));
        }
    }

    private void release(Source from, int block) {
        blocks.get(block).linears().forEach(FusedLinear::leaves);
        from.release(block);
    }

    /// Blocks that stay for a while. Closing twice does nothing.
    public interface Hold extends AutoCloseable {
        @Override
        void close();
    }

    /// Has a block's weights there until the result is closed.
    public Hold hold(int block) {
        need(block);
        return once(() -> done(block));
    }

    /// Has all weights there until the result is closed.
    public Hold hold() {
        for (int block = 0; block < users.length; block++) {
            need(block);
        }
        return once(
                () -> {
                    for (int block = 0; block < users.length; block++) {
                        done(block);
                    }
                });
    }

    private static Hold once(Hold hold) {
        var closed = new AtomicBoolean();
        return () -> {
            if (!closed.getAndSet(true)) {
                hold.close();
            }
        };
    }
}
