package org.attune.trainers.layout;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.policy.TokenForest;

/// How a group of rows is laid out for a model. Each kind adds which targets belong to which row.
@Api(EXPERIMENTAL)
public interface RowForest {
    /// The layout.
    TokenForest forest();
}
