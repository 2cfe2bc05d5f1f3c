package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.Optional;
import java.util.Set;

/// An encoder of pictures' patches: bidirectional blocks over the patches of a tile.
///
/// @param patches    what it reads
/// @param width      features of a patch
/// @param inner      width inside of the feed-forward parts
/// @param layers     number of blocks
/// @param taken      blocks whose output is read; those behind them are kept, but not computed
/// @param heads      of attention
/// @param norm       of blocks, and in front of and behind them
/// @param positions  how places of patches are known
/// @param activation of feed-forward parts
/// @param gated      whether feed-forward parts have gates
/// @param qkvBias    whether projections of queries, keys and values have biases
/// @param bias       whether the other projections of blocks have biases
/// @param lastNorm   behind the blocks
/// @param qkNorm     of whole queries and keys, if they are normed
/// @param window     of attention: so many of the connector's squares a side; 0: a tile
/// @param full       blocks that see a tile all the same
public record VisionEncoder(
        Patches patches,
        int width,
        int inner,
        int layers,
        int taken,
        int heads,
        NormConfig norm,
        Positions positions,
        Activation activation,
        boolean gated,
        boolean qkvBias,
        boolean bias,
        LastNorm lastNorm,
        Optional<NormConfig> qkNorm,
        int window,
        Set<Integer> full) {
    /// What an encoder reads of a picture.
    ///
    /// @param imageSize  pixels of a side for which positions are learned
    /// @param size       pixels of a patch's side
    /// @param channels   numbers of a pixel
    /// @param bias       whether the embedding of patches has one
    /// @param classToken whether a learned vector stands in front of a tile's patches; what the
    ///     blocks make of it is dropped
    /// @param norm       whether a norm stands in front of the blocks
    /// @param times      pictures of a patch, one behind the other, where the processor cuts
    ///     pictures of any size into patches; 0 where it gives tiles
    public record Patches(
            int imageSize,
            int size,
            int channels,
            boolean bias,
            boolean classToken,
            boolean norm,
            int times) {
        /// Those of tiles.
        Patches(
                int imageSize,
                int size,
                int channels,
                boolean bias,
                boolean classToken,
                boolean norm) {
            this(imageSize, size, channels, bias, classToken, norm, 0);
        }

        /// Numbers of a patch.
        public int numbers() {
            return channels * Math.max(1, times) * size * size;
        }

        /// Patches of a side for which positions are learned.
        public int side() {
            return imageSize / size;
        }
    }

    /// The norm behind the blocks.
    public enum LastNorm {
        /// There is none.
        NONE,
        /// What it gives is read.
        READ,
        /// It is kept, but what is read is what it would read.
        KEPT
    }

    /// How places of patches are known.
    public sealed interface Positions {
        /// A vector for each place of a tile, and for the class token.
        record Table() implements Positions {}

        /// The vector of the place at the same share of a side, in tables for larger tiles.
        record Buckets() implements Positions {}

        /// Queries and keys are rotated by rows and columns.
        ///
        /// @param theta base of the frequencies
        /// @param alternating whether rows take every second frequency of a head and columns the
        ///     others; else both take the frequencies of half a head
        /// @param table whether vectors of a table are added too: between the four places next to
        ///     a patch's, if corners lie on corners
        record Rotary(double theta, boolean alternating, boolean table) implements Positions {
            /// Without a table.
            Rotary(double theta, boolean alternating) {
                this(theta, alternating, false);
            }
        }

        /// Whether a table is learned.
        default boolean learned() {
            return !(this instanceof Rotary rotary) || rotary.table();
        }
    }

    /// @throws ModelException if the numbers can't belong to one encoder
    public VisionEncoder {
        if (width % heads != 0 || patches.imageSize() % patches.size() != 0) {
            throw new ModelException(
                    ("vision_config: %d features in %d heads, tiles of %d pixels in patches of %d;"
                                    + " each must go into the other")
                            .formatted(width, heads, patches.imageSize(), patches.size()));
        }
        if (taken < 1 || taken > layers) {
            throw new ModelException(
                    "vision_feature_layer names the output of block %d of %d"
                            .formatted(taken, layers));
        }
    }

    /// Features of a head.
    public int headSize() {
        return width / heads;
    }

    /// Positions that are learned: of a tile's places, and of the class token.
    public long places() {
        return (long) patches.side() * patches.side() + (patches.classToken() ? 1 : 0);
    }

    /// Where the patches of a picture lie, in the order in which the encoder reads them.
    ///
    /// @param tiles   that see themselves alone, all of one size
    /// @param rows    of patches in a tile
    /// @param columns of patches in a tile
    /// @param block   patches of a side of the squares that are read one behind the other, row by
    ///     row inside too; 1: patches are read row by row
    public record Grid(int tiles, int rows, int columns, int block) {
        /// @throws IllegalArgumentException if a number is below 1, or squares don't fill a tile
        public Grid {
            if (tiles < 1 || rows < 1 || columns < 1 || rows % block != 0 || columns % block != 0) {
                throw new IllegalArgumentException(
                        "%d tiles of %d × %d patches in squares of %d"
                                .formatted(tiles, rows, columns, block));
            }
        }

        /// Patches of a tile.
        public int ofTile() {
            return rows * columns;
        }

        /// Some of the tiles.
        public Grid part(int count) {
            return new Grid(count, rows, columns, block);
        }

        /// The row of each patch of a tile, in the order in which they are read.
        public int[] rowOfPatch() {
            return places(true);
        }

        /// The column of each patch of a tile, in the order in which they are read.
        public int[] columnOfPatch() {
            return places(false);
        }

        private int[] places(boolean ofRow) {
            int[] all = new int[ofTile()];
            int square = block * block;
            for (int i = 0; i < all.length; i++) {
                int squares = i / square;
                int row = squares / (columns / block) * block + i % square / block;
                int column = squares % (columns / block) * block + i % block;
                all[i] = ofRow ? row : column;
            }
            return all;
        }
    }
}
