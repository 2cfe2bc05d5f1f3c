package org.attune.images;

import org.attune.images.Picture.Size;

import java.util.ArrayList;
import java.util.List;

/// LLaVA-NeXT and LLaVA-OneVision: the whole picture as one tile, then the tiles of that of the
/// given sizes which holds most of it.
///
/// @param sizes what a picture may be resized to, in the order of the settings
/// @param tile  edge of the tiles that are cut
/// @param base  size of the whole
/// @param each  what each tile is brought to then
/// @param border colour beside a picture that isn't cut, since its text has others; as red, green
///     and blue
/// @param cutsAll whether pictures of a text with several are cut, too
record Pinpoints(
        List<Size> sizes, int tile, Size base, ShortestEdge each, byte[] border, boolean cutsAll)
        implements TileRule {

    @Override
    public Plan plan(Size picture, boolean alone) {
        if (!alone && !cutsAll) {
            int edge = Math.max(picture.width(), picture.height());
            int[] grid = {picture.height(), picture.width(), 0, 0};
            return new Plan(picture, picture, each.result(new Size(edge, edge)), 0, 0, 1, grid);
        }
        Size best = best(picture);
        int rows = Math.ceilDiv(best.height(), tile);
        int columns = Math.ceilDiv(best.width(), tile);
        int[] grid = {picture.height(), picture.width(), rows, columns};
        return new Plan(picture, best, each.result(base), rows, columns, rows * columns + 1, grid);
    }

    /// The size that keeps most pixels, and of several the one that wastes least.
    private Size best(Size picture) {
        Size best = sizes.getFirst();
        long mostKept = 0;
        long leastWasted = Long.MAX_VALUE;
        for (Size size : sizes) {
            double scale =
                    Math.min(
                            (double) size.width() / picture.width(),
                            (double) size.height() / picture.height());
            long across = (long) (picture.width() * scale);
            long down = (long) (picture.height() * scale);
            long kept = Math.min(across * down, (long) picture.width() * picture.height());
            long wasted = (long) size.width() * size.height() - kept;
            if (kept > mostKept || (kept == mostKept && wasted < leastWasted)) {
                mostKept = kept;
                leastWasted = wasted;
                best = size;
            }
        }
        return best;
    }

    @Override
    public List<Pixels> tiles(Pixels picture, Plan plan, Resizer resizer) {
        if (plan.rows() == 0) {
            return List.of(each.fit(ShortestEdge.squared(picture, border), resizer));
        }
        List<Pixels> tiles = new ArrayList<>();
        tiles.add(each.fit(resizer.resize(picture, base.width(), base.height()), resizer));
        Size target = plan.whole();
        Size inner = within(plan.picture(), target);
        Pixels canvas =
                resizer.resize(picture, inner.width(), inner.height())
                        .onto(
                                Pixels.black(target.width(), target.height()),
                                (target.width() - inner.width()) / 2,
                                (target.height() - inner.height()) / 2);
        for (Pixels part : TileRule.cut(canvas, new Size(tile, tile))) {
            tiles.add(each.fit(part, resizer));
        }
        return tiles;
    }

    private static Size within(Size picture, Size target) {
        double across = (double) target.width() / picture.width();
        double down = (double) target.height() / picture.height();
        if (across < down) {
            int height = (int) Math.ceil(picture.height() * across);
            return new Size(target.width(), Math.min(height, target.height()));
        }
        int width = (int) Math.ceil(picture.width() * down);
        return new Size(Math.min(width, target.width()), target.height());
    }
}
