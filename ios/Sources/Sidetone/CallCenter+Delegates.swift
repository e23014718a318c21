/// What CallKit and PushKit ask of us. Every action is fulfilled or failed, whatever the phone says; states are set, never
/// toggled.
#if canImport(CallKit)
import AVFAudio
import CallKit
import Foundation
import PushKit
import SidetoneCore

/// Both frameworks call on the main queue, as they were told.
private struct OnMain<T>: @unchecked Sendable { let value: T }

extension CallCenter: PKPushRegistryDelegate {
    nonisolated public func pushRegistry(
        _ registry: PKPushRegistry, didUpdate pushCredentials: PKPushCredentials, for type: PKPushType
    ) {
        let prid = pushCredentials.token.map { String(format: "%02x", $0) }.joined()
        MainActor.assumeIsolated {
            let token = PushToken(provider: .apns, param: settings.pushParam, prid: prid)
            hasPushToken = true
            tell { phone in try? await phone.setPushToken(token) }
        }
    }

    nonisolated public func pushRegistry(_ registry: PKPushRegistry, didInvalidatePushTokenFor type: PKPushType) {
        MainActor.assumeIsolated {
            hasPushToken = false
            tell { phone in try? await phone.setPushToken(nil) }
        }
    }

    nonisolated public func pushRegistry(
        _ registry: PKPushRegistry, didReceiveIncomingPushWith payload: PKPushPayload, for type: PKPushType,
        completion: @escaping () -> Void
    ) {
        let sent = OnMain(value: payload.dictionaryPayload)
        let done = OnMain(value: completion)
        MainActor.assumeIsolated { receive(sent.value, mustReport: true) { done.value() } }
    }

    // iOS 26.4, which needs its SDK.
    #if compiler(>=6.3) || os(Linux)
    @available(iOS 26.4, *)
    nonisolated public func pushRegistry(
        _ registry: PKPushRegistry, didReceiveIncomingVoIPPushWith payload: PKPushPayload, metadata: PKVoIPPushMetadata,
        withCompletionHandler completion: @escaping @Sendable () -> Void
    ) {
        let sent = OnMain(value: payload.dictionaryPayload)
        let mustReport = metadata.mustReport
        MainActor.assumeIsolated { receive(sent.value, mustReport: mustReport, done: completion) }
    }
    #endif
}

extension CallCenter: CXProviderDelegate {
    nonisolated public func providerDidReset(_ provider: CXProvider) {
        MainActor.assumeIsolated {
            for line in Array(lines.values) {
                let call = line.call
                forget(line)
                tell { phone in try? await phone.hangUp(call) }
            }
            setAudio(active: false)
        }
    }

    nonisolated public func provider(_ provider: CXProvider, perform action: CXStartCallAction) {
        let to = action.handle.value
        perform(action) { center, line in
            center.setCategory()
            if line.isMade {
                line.isShown = true
                // CallKit has a handle of it and no more; and it may be answered by now. It hears that after this action.
                center.tell { _ in
                    guard center.lines[line.call] != nil else { return }
                    center.provider.reportCall(with: line.call, updated: center.update(line.caller))
                    if line.isAnswered { center.provider.reportOutgoingCall(with: line.call, connectedAt: nil) }
                    center.follow()
                }
                return nil
            }
            center.start()
            return { [weak center] phone, call in
                guard let center else { throw CallIsOver() }
                try await center.dial(to, call: call, on: phone)
            }
        }
    }

    nonisolated public func provider(_ provider: CXProvider, perform action: CXAnswerCallAction) {
        perform(action) { center, line in
            center.setCategory()
            guard !line.isAnswered else { return nil }
            line.isAnswered = true
            return { phone, call in
                do { try await phone.answer(call) } catch CommandError.WrongState {
                    // It was answered by a process that has died, or is being answered.
                    guard phone.calls().contains(where: { $0.call == call && $0.answered }) else { throw CallIsOver() }
                }
            }
        }
    }

    nonisolated public func provider(_ provider: CXProvider, perform action: CXEndCallAction) {
        let sent = OnMain(value: action)
        MainActor.assumeIsolated {
            let call = sent.value.callUUID
            if let line = lines[call] {
                let isWaiting = line.isIncoming && !line.isAnswered
                forget(line)
                tell { phone in
                    do { try await isWaiting ? phone.decline(call, busy: false) : phone.hangUp(call) } catch {
                        // Between the two screens it may just have been answered.
                        if isWaiting { try? await phone.hangUp(call) }
                    }
                }
            }
            sent.value.fulfill()
        }
    }

    nonisolated public func provider(_ provider: CXProvider, perform action: CXSetHeldCallAction) {
        let on = action.isOnHold
        perform(action) { center, line in
            defer { if !on { center.mendAudio() } }
            if line.settlingHold == on {
                line.settlingHold = nil
                if line.isOnHold != on { center.show(hold: line.isOnHold, of: line) }
                return nil
            }
            guard line.isOnHold != on else { return nil }
            line.isOnHold = on
            return center.wish(of: line) { phone, call in
                do { try await phone.setHold(call, on) } catch {
                    line.isOnHold = !on
                    throw error
                }
            }
        }
    }

    nonisolated public func provider(_ provider: CXProvider, perform action: CXSetMutedCallAction) {
        let on = action.isMuted
        perform(action) { center, line in
            if line.settlingMute == on {
                line.settlingMute = nil
                if line.isMuted != on { center.show(mute: line.isMuted, of: line) }
                return nil
            }
            line.isMuted = on
            return center.wish(of: line) { try await $0.setMute($1, on) }
        }
    }

    nonisolated public func provider(_ provider: CXProvider, perform action: CXPlayDTMFCallAction) {
        let digits = action.digits.filter { "0123456789*#ABCD".contains($0) }
        perform(action) { _, _ in { try await $0.sendDtmf($1, digits) } }
    }

    nonisolated public func provider(_ provider: CXProvider, perform action: CXSetGroupCallAction) {
        let other = action.callUUIDToGroupWith
        perform(action) { center, line in
            let group = [line] + [other.flatMap { center.lines[$0] }].compactMap { $0 }
            let joined = (center.phone?.calls() ?? []).filter(\.merged).map(\.call)
            let isSo = joined.contains(line.call) == (other != nil) && other.map(joined.contains) != false
            group.forEach { $0.isGrouped = other != nil }
            if isSo { return nil }
            return center.wish(of: line) { phone, call in
                do {
                    if let other { try await phone.merge([call, other]) } else { try await phone.split(call) }
                } catch {
                    group.forEach { $0.isGrouped = other == nil }
                    // That the other one is gone is no reason to end this one.
                    throw CallIsOver()
                }
            }
        }
    }

    nonisolated public func provider(_ provider: CXProvider, didActivate audioSession: AVAudioSession) {
        MainActor.assumeIsolated { setAudio(active: true) }
    }

    nonisolated public func provider(_ provider: CXProvider, didDeactivate audioSession: AVAudioSession) {
        MainActor.assumeIsolated { setAudio(active: false) }
    }

    /// While it is on its way, what the phone says of this call is not the last word.
    func wish(
        of line: Line, _ command: @escaping @MainActor @Sendable (any PhonePort, UUID) async throws -> Void
    ) -> @MainActor @Sendable (any PhonePort, UUID) async throws -> Void {
        line.wishes += 1
        return { [weak self] phone, call in
            defer {
                line.wishes -= 1
                self?.follow()
            }
            try await command(phone, call)
        }
    }

    /// Does an action for a live call. `what` gives the command for the phone, or nil where things are so already. With a
    /// phone at hand its answer decides; without one the user need not wait for it.
    nonisolated private func perform<A: CXCallAction>(
        _ action: A,
        _ what: @escaping @MainActor (CallCenter, Line) -> (@MainActor @Sendable (any PhonePort, UUID) async throws -> Void)?
    ) {
        let sent = OnMain(value: action)
        MainActor.assumeIsolated {
            let action = sent.value
            guard let line = lines[action.callUUID], line.over == nil else { return action.fail() }
            guard let command = what(self, line) else { return action.fulfill() }
            let waits = phone != nil
            if !waits { action.fulfill() }
            let call = action.callUUID
            tell { [weak self] phone in
                do {
                    try await command(phone, call)
                    // One that timed out must be left alone.
                    if waits, !sent.value.isComplete { sent.value.fulfill() }
                } catch {
                    if waits, !sent.value.isComplete { sent.value.fail() }
                    self?.failed(sent.value, error, toItsFace: waits)
                }
            }
        }
    }

    /// What the phone does not have cannot go on at CallKit, which ends a call itself only where a start or an answer was
    /// failed to its face.
    private func failed(_ action: CXCallAction, _ error: any Error, toItsFace: Bool) {
        if error is CommandError { onRefusal?(error) }
        guard let line = lines[action.callUUID], line.over == nil else { return }
        let begins = action is CXAnswerCallAction || action is CXStartCallAction
        if begins, toItsFace { return forget(line) }
        if case CommandError.UnknownCall = error { return end(line, .failed) }
        if begins { end(line, .failed) }
    }
}

private struct CallIsOver: Error {}
#endif
