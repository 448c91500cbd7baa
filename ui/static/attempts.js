/**
 * Runs one ceremony at a time. Browsers reject a second call while one is pending (Chromium: OperationError), so a new
 * attempt aborts the old one and waits until it has ended.
 */
export class Attempts {
  /** @type {{abort: AbortController, ended: Promise<void>} | undefined} */
  #current;
  #isClosed = false;

  /**
   * Starts an attempt; aborts a pending one.
   * @param {(signal: AbortSignal) => Promise<void>} run the attempt; it handles its own errors
   * @returns {Promise<void>} settled when it has ended
   */
  begin(run) {
    const abort = new AbortController();
    const previous = this.#current;
    previous?.abort.abort();
    const ended = this.#after(previous?.ended, abort.signal, run);
    this.#current = { abort, ended };
    return ended;
  }

  /** Blocks further attempts: the page is about to navigate away. */
  close() {
    this.#isClosed = true;
  }

  /**
   * @param {Promise<void> | undefined} previous the attempt to wait for
   * @param {AbortSignal} signal of this attempt
   * @param {(signal: AbortSignal) => Promise<void>} run this attempt
   */
  async #after(previous, signal, run) {
    await previous;
    if (!signal.aborted && !this.#isClosed) await run(signal);
  }
}
