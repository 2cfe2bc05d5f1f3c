package org.attune.images;

import org.attune.images.Picture.Size;

import java.util.ArrayList;
import java.util.List;

/// How a family of models cuts and resizes pictures. Sizes are computed in the floating-point steps
/// of `transformers`, since a result beside a whole number decides about a row of tiles.
sealed interface TileRule
        permits TileRule.Splitting,
                TileRule.WholePatches,
                TileRule.Square,
                TileRule.Crops,
                TileRule.RatioGrid,
                TileRule.PatchMultiple,
                Pinpoints,
                ShortestEdge {

    /// @param alone whether the text has no other picture
    Plan plan(Size picture, boolean alone);

    /// What the encoder reads, in its order.
    List<Pixels> tiles(Pixels picture, Plan plan, Resizer resizer);

    /// Idefics3 and SmolVLM: the longest edge gets a fixed length, then both become multiples of a
    /// tile; the tiles come row by row, then the whole as one tile.
    ///
    /// @param longestEdge of the picture before it is cut
    /// @param edge        of a tile
    /// @param splits      whether it is cut at all, or becomes one tile
    record Splitting(int longestEdge, int edge, boolean splits) implements TileRule {
        private static final int LARGEST = 4096;

        @Override
        public Plan plan(Size picture, boolean alone) {
            Size first = bounded(longest(picture));
            if (!splits) {
                return Plan.whole(picture, new Size(edge, edge), 0, 0);
            }
            Size whole = multiples(first);
            int rows = whole.height() / edge;
            int columns = whole.width() / edge;
            Size tile = new Size(edge, edge);
            return rows * columns == 1
                    ? new Plan(picture, whole, tile, 0, 0, 1, new int[] {0, 0})
                    : new Plan(
                            picture,
                            whole,
                            tile,
                            rows,
                            columns,
                            rows * columns + 1,
                            new int[] {rows, columns});
        }

        private Size longest(Size size) {
            double ratio = (double) size.width() / size.height();
            if (size.width() >= size.height()) {
                int height = (int) (longestEdge / ratio);
                return new Size(longestEdge, Math.max(1, height + height % 2));
            }
            int width = (int) (longestEdge * ratio);
            return new Size(Math.max(1, width + width % 2), longestEdge);
        }

        private static Size bounded(Size size) {
            double ratio = (double) size.width() / size.height();
            if (size.width() >= size.height() && size.width() > LARGEST) {
                return new Size(LARGEST, Math.max(1, (int) (LARGEST / ratio)));
            }
            if (size.height() > size.width() && size.height() > LARGEST) {
                return new Size(Math.max(1, (int) (LARGEST * ratio)), LARGEST);
            }
            return size;
        }

        private Size multiples(Size size) {
            double ratio = (double) size.width() / size.height();
            if (size.width() >= size.height()) {
                int width = upTo(size.width(), edge);
                return new Size(width, upTo((int) (width / ratio), edge));
            }
            int height = upTo(size.height(), edge);
            return new Size(upTo((int) (height * ratio), edge), height);
        }

        @Override
        public List<Pixels> tiles(Pixels picture, Plan plan, Resizer resizer) {
            Size first = bounded(longest(plan.picture()));
            Pixels longest = resizer.resize(picture, first.width(), first.height());
            Pixels whole = resizer.resize(longest, plan.whole().width(), plan.whole().height());
            if (plan.tiles() == 1) {
                return List.of(whole);
            }
            List<Pixels> tiles = cut(whole, plan.tile());
            tiles.add(resizer.resize(whole, edge, edge));
            return tiles;
        }
    }

    /// Qwen2-VL and its successors: both edges become multiples of a merged patch, within bounds of
    /// the number of pixels.
    ///
    /// @param patch    edge of a patch
    /// @param merge    patches of one direction that become one token
    /// @param times    how often a patch holds the picture, as a video of two frames
    /// @param fewest   pixels of the resized picture
    /// @param most     pixels of the resized picture
    record WholePatches(int patch, int merge, int times, long fewest, long most)
            implements TileRule {
        private static final int MOST_RATIO = 200;

        @Override
        public Plan plan(Size picture, boolean alone) {
            Size size = size(picture);
            int rows = size.height() / patch;
            int columns = size.width() / patch;
            return new Plan(picture, size, size, rows, columns, 1, new int[] {1, rows, columns});
        }

        private Size size(Size picture) {
            int height = picture.height();
            int width = picture.width();
            if ((double) Math.max(height, width) / Math.min(height, width) > MOST_RATIO) {
                throw new BrokenPictureException(
                        "its %s are longer than wide by more than %d, which the model refuses; cut it"
                                .formatted(picture, MOST_RATIO));
            }
            int factor = patch * merge;
            long newHeight = (long) Math.rint((double) height / factor) * factor;
            long newWidth = (long) Math.rint((double) width / factor) * factor;
            if (newHeight * newWidth > most) {
                double by = Math.sqrt((double) ((long) height * width) / most);
                newHeight = Math.max(factor, (long) Math.floor(height / by / factor) * factor);
                newWidth = Math.max(factor, (long) Math.floor(width / by / factor) * factor);
            } else if (newHeight * newWidth < fewest) {
                double by = Math.sqrt((double) fewest / ((long) height * width));
                newHeight = (long) Math.ceil(height * by / factor) * factor;
                newWidth = (long) Math.ceil(width * by / factor) * factor;
            }
            return new Size((int) newWidth, (int) newHeight);
        }

        @Override
        public List<Pixels> tiles(Pixels picture, Plan plan, Resizer resizer) {
            return List.of(resized(picture, plan.tile(), resizer));
        }
    }

    /// Gemma 3, PaliGemma and SigLIP: the picture is squashed to one size.
    record Square(Size size) implements TileRule {
        @Override
        public Plan plan(Size picture, boolean alone) {
            return Plan.whole(picture, size);
        }

        @Override
        public List<Pixels> tiles(Pixels picture, Plan plan, Resizer resizer) {
            return List.of(resized(picture, size, resizer));
        }
    }

    /// Gemma 3 with pan and scan: the whole picture, then its parts if it is long or tall.
    ///
    /// @param size     of what the encoder reads
    /// @param shortest edge of a part
    /// @param most     parts of a picture
    /// @param ratio    of the edges from which on a picture is cut
    record Crops(Size size, int shortest, int most, double ratio) implements TileRule {
        @Override
        public Plan plan(Size picture, boolean alone) {
            int parts = parts(picture);
            boolean isWide = picture.width() >= picture.height();
            return new Plan(
                    picture,
                    picture,
                    size,
                    parts == 0 ? 0 : isWide ? 1 : parts,
                    parts == 0 ? 0 : isWide ? parts : 1,
                    parts + 1,
                    new int[] {parts});
        }

        private int parts(Size picture) {
            int longer = Math.max(picture.width(), picture.height());
            int shorter = Math.min(picture.width(), picture.height());
            double actual = (double) longer / shorter;
            if (actual < ratio) {
                return 0;
            }
            int parts = Math.min(longer / shortest, (int) Math.floor(actual + 0.5));
            parts = Math.min(most, Math.max(2, parts));
            return Math.min(Math.ceilDiv(longer, parts), shorter) < shortest ? 0 : parts;
        }

        @Override
        public List<Pixels> tiles(Pixels picture, Plan plan, Resizer resizer) {
            List<Pixels> tiles = new ArrayList<>();
            tiles.add(resized(picture, size, resizer));
            if (plan.tiles() > 1) {
                int width = Math.ceilDiv(picture.width(), plan.columns());
                int height = Math.ceilDiv(picture.height(), plan.rows());
                for (int top = 0; top < picture.height(); top += height) {
                    for (int left = 0; left < picture.width(); left += width) {
                        Pixels part =
                                picture.part(
                                        left,
                                        top,
                                        Math.min(width, picture.width() - left),
                                        Math.min(height, picture.height() - top));
                        tiles.add(resized(part, size, resizer));
                    }
                }
            }
            return tiles;
        }
    }

    /// InternVL: the grid of tiles whose ratio is nearest to the picture's, and the whole.
    ///
    /// @param tile   size of a tile
    /// @param fewest tiles, without the whole
    /// @param most   tiles, without the whole
    record RatioGrid(Size tile, int fewest, int most) implements TileRule {
        @Override
        public Plan plan(Size picture, boolean alone) {
            int columns = 1;
            int rows = 1;
            double ratio = (double) picture.width() / picture.height();
            double area = (double) picture.width() * picture.height();
            double best = Double.POSITIVE_INFINITY;
            for (int count = fewest; count <= most; count++) {
                for (int across = 1; across <= count; across++) {
                    if (count % across != 0) {
                        continue;
                    }
                    int down = count / across;
                    double difference = Math.abs(ratio - (double) across / down);
                    boolean isLarge = area > 0.5 * tile.height() * tile.width() * across * down;
                    if (difference < best || (difference == best && isLarge)) {
                        best = difference;
                        columns = across;
                        rows = count / across;
                    }
                }
            }
            int count = columns * rows;
            int tiles = count == 1 ? 1 : count + 1;
            Size whole = new Size(columns * tile.width(), rows * tile.height());
            return new Plan(picture, whole, tile, rows, columns, tiles, new int[] {tiles});
        }

        @Override
        public List<Pixels> tiles(Pixels picture, Plan plan, Resizer resizer) {
            List<Pixels> tiles = cut(resized(picture, plan.whole(), resizer), tile);
            if (tiles.size() > 1) {
                tiles.add(resized(picture, tile, resizer));
            }
            return tiles;
        }
    }

    /// Pixtral and Mistral3: no edge is longer than allowed, and both are multiples of a patch.
    ///
    /// @param longest edges of the resized picture
    /// @param patch   size of a patch, or of those that become one token
    record PatchMultiple(Size longest, Size patch) implements TileRule {
        @Override
        public Plan plan(Size picture, boolean alone) {
            int height = picture.height();
            int width = picture.width();
            double ratio =
                    Math.max((double) height / longest.height(), (double) width / longest.width());
            if (ratio > 1) {
                height = (int) Math.floor(height / ratio);
                width = (int) Math.floor(width / ratio);
            }
            if (height < 1 || width < 1) {
                throw new BrokenPictureException(
                        "its %s leave less than one pixel within %s; cut it"
                                .formatted(picture, longest));
            }
            Size size = new Size(upTo(width, patch.width()), upTo(height, patch.height()));
            return new Plan(
                    picture,
                    size,
                    size,
                    size.height() / patch.height(),
                    size.width() / patch.width(),
                    1,
                    new int[] {size.height(), size.width()});
        }

        @Override
        public List<Pixels> tiles(Pixels picture, Plan plan, Resizer resizer) {
            return List.of(resized(picture, plan.tile(), resizer));
        }
    }

    private static int upTo(int length, int multiple) {
        return Math.ceilDiv(length, multiple) * multiple;
    }

    private static Pixels resized(Pixels picture, Size size, Resizer resizer) {
        return resizer.resize(picture, size.width(), size.height());
    }

    /// Tiles row by row; the picture is a multiple of them.
    static List<Pixels> cut(Pixels picture, Size tile) {
        List<Pixels> tiles = new ArrayList<>();
        for (int top = 0; top < picture.height(); top += tile.height()) {
            for (int left = 0; left < picture.width(); left += tile.width()) {
                tiles.add(picture.part(left, top, tile.width(), tile.height()));
            }
        }
        return tiles;
    }
}
