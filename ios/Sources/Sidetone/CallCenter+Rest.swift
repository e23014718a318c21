/// Sleep: in the background without a call, iOS suspends the app and nobody reads its connection any more. So the phone lets
/// go of it after a while of grace, in which the queue's next call finds it awake, and a push or the user wakes it again.
#if canImport(CallKit)
import Foundation
#if canImport(UIKit)
import UIKit
#endif

extension CallCenter {
    /// The way to sleep: the system's leave to run on for it, and what waits meanwhile.
    final class Rest {
        #if canImport(UIKit)
        var task = UIBackgroundTaskIdentifier.invalid
        #endif
        var waiting: Task<Void, Never>?
        /// The system's leave has ended, and nothing has changed since.
        var isOver = false
        /// The phone was let go to sleep, and its lamp may not say so yet.
        var isLetGo = false
    }

    #if canImport(UIKit)
    private var isInBackground: Bool { UIApplication.shared.applicationState == .background }
    #else
    private var isInBackground: Bool { false }
    #endif

    func observeApplication() {
        #if canImport(UIKit)
        observe(UIApplication.didEnterBackgroundNotification) { center, _ in center.restIfIdle() }
        observe(UIApplication.willEnterForegroundNotification) { center, _ in
            center.restIfIdle()
            center.wakeUp()
        }
        #endif
    }

    /// To be called after whatever may change it. What is begun is ended by the lamp that says *asleep*.
    func restIfIdle() {
        let isBusy = !isInBackground || !lines.isEmpty
        if isBusy { rest.isOver = false }
        let isAwake = phone == nil ? isStarting : lamp == .awake
        guard !isBusy, isAwake else { return stopResting() }
        guard rest.waiting == nil, !rest.isOver else { return }
        #if canImport(UIKit)
        // The system lends some 30 s. It takes them back before that, and then the phone must be asleep.
        rest.task = UIApplication.shared.beginBackgroundTask(withName: "org.sidetone.rest") { [weak self] in
            self?.rest.isOver = true
            self?.letSleep()
            self?.stopResting()
        }
        #endif
        rest.waiting = Task { [weak self, grace = settings.grace] in
            try? await Task.sleep(nanoseconds: UInt64(grace * 1_000_000_000))
            // A call that has just ended may still be on its way out: then the phone refuses, and is asked again.
            while !Task.isCancelled {
                self?.letSleep()
                try? await Task.sleep(nanoseconds: 100_000_000)
            }
        }
    }

    private func stopResting() {
        rest.waiting?.cancel()
        rest.waiting = nil
        #if canImport(UIKit)
        let task = rest.task
        rest.task = .invalid
        if task != .invalid { UIApplication.shared.endBackgroundTask(task) }
        #endif
    }

    private func letSleep() {
        guard phone != nil else { return }
        tell { [weak self] phone in
            // A push may have come before this one's turn.
            guard let self, isInBackground, lines.isEmpty else { return }
            rest.isLetGo = true
            // Refused where a call is not over yet.
            do { try await phone.sleep() } catch { rest.isLetGo = false }
        }
    }

    /// Who signed out stays so.
    func wakeUp() {
        guard lamp == .asleep || rest.isLetGo else { return }
        rest.isLetGo = false
        tell { phone in try? await phone.wake() }
    }

    /// A call that the user makes from the lock screen or the list of calls may find the phone asleep.
    func dial(_ to: String, call: UUID, on phone: any PhonePort) async throws {
        let end = Date(timeIntervalSinceNow: Self.patienceForDialling)
        while true {
            do { return try await phone.dial(to, call: call) } catch CommandError.NotRegistered where Date() < end {
                if lamp == .asleep { try await phone.wake() }
                try await Task.sleep(nanoseconds: 100_000_000)
            }
        }
    }

    /// Less than CallKit's.
    private static let patienceForDialling: TimeInterval = 4
}
#endif
