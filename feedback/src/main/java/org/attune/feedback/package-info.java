/// The store of feedback: answers that a model gave, what users thought of them, and the adapters
/// that were let in because of it.
package org.attune.feedback;
