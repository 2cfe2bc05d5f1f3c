package org.attune.datasets.layout;

import org.attune.policy.TokenForest;

/// How a group of rows is laid out for a model. Each kind adds which targets belong to which row.
public interface RowForest {
    /// The layout.
    TokenForest forest();
}
