//! What the tests share: certificates for servers, and an audio device of paper.

use crate::Trust;
use crate::device::{AudioDevice, AudioEnd, AudioError, Pace};
use crate::transport::Connector;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sidetone_media::Frame;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use tokio_rustls::TlsAcceptor;

/// An authority that signs what it is asked to.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and key.
pub(crate) struct Certificate {
    chain: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// What trusts this authority alone.
    pub(crate) fn trust(&self) -> Trust {
        Trust::Pem(self.pem.clone().into_bytes())
    }

    pub(crate) fn trusted(&self) -> Connector {
        Connector::new(&self.trust()).unwrap()
    }

    pub(crate) fn certificate(&self, names: &[&str]) -> Certificate {
        self.sign(params(names))
    }

    pub(crate) fn expired(&self, names: &[&str]) -> Certificate {
        let mut params = params(names);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        Certificate { chain: signed.der().clone(), key: key.serialize_der() }
    }
}

impl Certificate {
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.chain.clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    CertificateParams::new(names).unwrap()
}

/// A microphone that hums 1 kHz, and a speaker that remembers.
#[derive(Clone, Default)]
pub(crate) struct Paper {
    pub(crate) played: Arc<Mutex<Vec<i16>>>,
    pub(crate) running: Arc<AtomicBool>,
    pub(crate) rewound: Arc<AtomicU64>,
    pub(crate) torn: Arc<AtomicBool>,
    pub(crate) starts: Arc<AtomicU64>,
    captured: u64,
}

impl AudioDevice for Paper {
    fn pace(&self) -> Pace {
        Pace::Timer
    }

    fn start(&mut self, _: &Thread) {
        self.starts.fetch_add(1, Ordering::SeqCst);
        self.running.store(true, Ordering::SeqCst);
    }

    fn failure(&mut self) -> Option<AudioError> {
        self.torn.swap(false, Ordering::SeqCst).then(torn)
    }

    fn release(&mut self) {
        self.running.store(false, Ordering::SeqCst);
    }

    fn stop(&mut self) {
        self.release();
    }

    fn rewind(&mut self) {
        self.rewound.fetch_add(1, Ordering::SeqCst);
    }

    fn capture(&mut self, frame: &mut Frame) -> bool {
        for sample in frame {
            let turn = self.captured as f32 * 1_000.0 / 48_000.0 * std::f32::consts::TAU;
            *sample = (8_000.0 * turn.sin()) as i16;
            self.captured += 1;
        }
        true
    }

    fn play(&mut self, frame: &Frame) {
        self.played.lock().unwrap().extend(frame);
    }

    fn xruns(&self) -> u64 {
        0
    }
}

pub(crate) fn torn() -> AudioError {
    let (name, detail) = ("paper".to_owned(), "it is torn".to_owned());
    AudioError::Lost { end: AudioEnd::Microphone, name, detail }
}
