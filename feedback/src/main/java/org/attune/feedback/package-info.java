/// The store of feedback: answers that a model gave, their judgements, and the adapters
/// that were let in because of it.
package org.attune.feedback;
